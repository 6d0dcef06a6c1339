import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ExchangeFault, Exchanges } from './exchanges.ts';

/** Why an exchange failed, or what it brought. */
async function outcome(exchange: Promise<unknown>): Promise<unknown> {
  return await exchange.catch((fault: unknown) => {
    assert.instance(fault, ExchangeFault);
    return (fault as ExchangeFault).reason;
  });
}

test('an exchange the core says nothing about ends by itself', async () => {
  const exchanges = new Exchanges({ maxOpen: 8, patienceMs: 5 });
  assert.is(await outcome(exchanges.open(() => {})), 'silent');
  assert.is(exchanges.size, 0);
});

test('beyond the bound an exchange is refused and the core never hears of it', async () => {
  const exchanges = new Exchanges({ maxOpen: 2, patienceMs: 1000 });
  const submitted: number[] = [];
  const open = [1, 2, 3].map(() => exchanges.open((exchange) => submitted.push(exchange)));
  assert.is(await outcome(open[2]!), 'busy');
  assert.equal(submitted, [1, 2]);
  exchanges.answer(1, 'a');
  assert.is(await outcome(open[0]!), 'a');
  void open[1]!.catch(() => {});
  exchanges.stop();
});

test('an answer that comes late, twice or for nobody does nothing', async () => {
  const exchanges = new Exchanges({ maxOpen: 8, patienceMs: 5 });
  const late = exchanges.open(() => {});
  assert.is(await outcome(late), 'silent');
  exchanges.answer(1, 'late');
  exchanges.answer(99, 'nobody');
  const next = exchanges.open((exchange) => exchanges.answer(exchange, 'at once'));
  exchanges.answer(2, 'twice');
  assert.is(await outcome(next), 'at once');
});

test('a stop ends what is open and refuses what comes', async () => {
  const exchanges = new Exchanges({ maxOpen: 8, patienceMs: 1000 });
  const open = exchanges.open(() => {});
  exchanges.stop();
  assert.is(await outcome(open), 'stopped');
  assert.is(await outcome(exchanges.open(() => {})), 'stopped');
});

test.run();
