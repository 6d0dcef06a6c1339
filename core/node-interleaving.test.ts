import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { IssueRequest } from './acme/issuance.ts';
import type { Record } from './crdt/record.ts';
import { SCHEMA } from './crdt/schema.ts';
import { Client, type JsonBody, path, type Reply, read } from './testing/client.ts';
import { type Draw, generator, pick } from './testing/mutation.ts';
import { encodeCsr, plainIssue, Rig } from './testing/rig.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261);
const FLOWS = 12;
/** Of a world in disorder, and then of one in order. */
const STEPS = { disorder: 8_000, order: 2_000 } as const;

const PROGRESS = ['pending', 'ready', 'processing', 'valid'];

/** One client on its way to a certificate: it sends a request and waits, or loses patience. */
class Flow {
  readonly client: Client;
  readonly name: string;
  order: JsonBody | undefined;
  certificate: string | undefined;
  #waitingFor: number | undefined;
  #challenge: string | undefined;

  constructor(rig: Rig, name: string) {
    this.client = Client.registered(rig);
    this.name = name;
  }

  /** Takes in the answer if there is one, and sends the next request. */
  move(draw: Draw): void {
    if (this.certificate !== undefined) return;
    const id = this.#waitingFor;
    const response = id === undefined ? undefined : this.client.rig.response(id);
    if (response !== undefined) this.#takeIn(read(response));
    else if (id !== undefined && draw(20) > 0) return;
    if (this.certificate === undefined) this.#send(draw);
  }

  #takeIn({ status, body }: Reply): void {
    assert.ok(status < 400, JSON.stringify(body));
    if (body['finalize'] !== undefined) this.#see(body);
    if (body['challenges'] !== undefined) this.#challenge = body['challenges'][0].url;
    this.certificate = body['certificate'];
  }

  /** What was shown of an order is never taken back, whoever was asked in between. */
  #see(order: JsonBody): void {
    const isSame = this.order?.['finalize'] === order['finalize'];
    const before = isSame ? PROGRESS.indexOf(this.order?.['status']) : 0;
    assert.ok(PROGRESS.indexOf(order['status']) >= before, `${this.name} went back`);
    this.order = order;
  }

  #send(draw: Draw): void {
    const { client, order, name } = this;
    const begin = (url: string, payload: JsonBody | undefined): void => {
      this.#waitingFor = client.begin(path(url), payload).id;
    };
    if (order === undefined) {
      begin('https://ca.test/acme/new-order', { identifiers: [{ type: 'dns', value: name }] });
    } else if (order['status'] === 'ready' && draw(3) > 0) {
      const spkiHash = name.replaceAll('.', '-');
      begin(order['finalize'], { csr: encodeCsr({ names: order['identifiers'], spkiHash }) });
    } else if (order['status'] !== 'pending' || draw(3) === 0) {
      begin(order['finalize'].replace('/finalize', ''), undefined);
    } else if (this.#challenge === undefined || draw(3) === 0) {
      begin(order['authorizations'][0], undefined);
    } else begin(this.#challenge, {});
  }
}

/** A slow world: loads, probes and signatures come back when drawn, in any order. */
class World {
  readonly rig: Rig;
  readonly issuing: IssueRequest[] = [];
  readonly draw: Draw;

  constructor(seed: number, cacheRecords: number) {
    this.draw = generator(seed);
    this.rig = new Rig({ limits: { cacheRecords } });
  }

  slowDown(): void {
    this.rig.holds = () => true;
    this.rig.validator = () => undefined;
    this.rig.issuer = (request) => {
      this.issuing.push(request);
      return undefined;
    };
  }

  /** Everything that was kept back comes, and from now on comes at once. */
  calmDown(): void {
    const { rig, issuing } = this;
    rig.releaseLoads();
    rig.validator = () => ({ ok: true });
    rig.issuer = plainIssue;
    while (rig.probes.length > 0) this.#conclude(rig.probes.shift()!);
    while (issuing.length > 0) this.#issue(issuing.shift()!);
    rig.advance(20_000);
  }

  /** Lets one thing that is under way come to its end. */
  progress(): void {
    const { rig, draw, issuing } = this;
    const choice = draw(4);
    if (choice === 0) rig.deliverLoad(draw(rig.held + 1));
    const probe = choice === 1 ? rig.probes.splice(draw(rig.probes.length + 1), 1)[0] : undefined;
    if (probe !== undefined) this.#conclude(probe);
    const request = choice === 2 ? issuing.splice(draw(issuing.length + 1), 1)[0] : undefined;
    if (request !== undefined) this.#issue(request);
    if (choice === 3) rig.advance(draw(300));
  }

  #conclude({ authorization, request: { type } }: Rig['probes'][number]): void {
    this.rig.submit({ kind: 'validated', authorization, type, result: { ok: true } });
  }

  #issue(request: IssueRequest): void {
    this.rig.submit({
      kind: 'issued',
      order: request.order,
      csr: request.csr,
      result: plainIssue(request),
    });
  }
}

/** Fails when a status in the log of writes steps back, or a dot is not the next. */
function checkWrites(rig: Rig): void {
  const heights = new Map<string, number>();
  let last = 0;
  for (const effect of rig.effects) {
    if (effect.kind !== 'persist') continue;
    for (const record of effect.records) {
      assert.is(record.dot.seq, ++last);
      const height = heightOf(record);
      const key = `${record.kind}/${record.id}`;
      assert.ok(height >= (heights.get(key) ?? 0), `${key} went back`);
      heights.set(key, height);
    }
  }
}

function orderOf({ fields }: Record): string {
  return (fields['made'] as { value: { order: string } }).value.order;
}

function heightOf({ kind, fields }: Record): number {
  const rungs: unknown = (SCHEMA as { [kind: string]: { status?: unknown } })[kind]?.status;
  return Array.isArray(rungs) ? rungs.indexOf(fields['status']) : 0;
}

for (const cacheRecords of [8, 32, 16_384]) {
  test(`flows that interleave in any order all end well with ${cacheRecords} warm records`, () => {
    const world = new World(SEED + cacheRecords, cacheRecords);
    const { rig, draw } = world;
    const flows = Array.from({ length: FLOWS }, (_, i) => new Flow(rig, `n${i}.example.com`));
    world.slowDown();
    for (let step = 0; step < STEPS.disorder; step++) {
      if (draw(2) === 0) pick(draw, flows).move(draw);
      else world.progress();
    }
    world.calmDown();
    for (let step = 0; step < STEPS.order; step++) pick(draw, flows).move(draw);
    for (const flow of flows) assert.ok(flow.certificate, `${flow.name} of seed ${SEED}`);
    const issued = rig.select({ kind: 'certificate', limit: 999 });
    assert.is(new Set(issued.map(orderOf)).size, issued.length, 'one order, one certificate');
    checkWrites(rig);
  });
}

test.run();
