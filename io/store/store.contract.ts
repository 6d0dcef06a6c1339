// What every store must do, as one suite that each adapter runs against its own database.
// Invariant: no case knows which adapter it runs on. Never here: the cases themselves.

import { suite } from 'uvu';
import { RECORDS } from './records.contract.ts';
import { REFUSALS } from './refusals.contract.ts';
import { SELECTIONS } from './selections.contract.ts';
import type { Store } from './store.ts';

/** One database, empty at first, that can be opened again and again. */
export interface StoreFixture {
  open(): Promise<Store>;
  /** Removes whatever is left of it. All its stores are closed by then. */
  dispose(): Promise<void>;
}

/** Registers and runs the suite `name` over databases that `create` makes, one for each case. */
export function storeContract(name: string, create: () => Promise<StoreFixture>): void {
  const contract = suite(name);
  for (const [title, run] of contractCases(create)) contract(`${name}: ${title}`, run);
  contract.run();
}

/** The cases by title, each on a database of its own. */
export function contractCases(
  create: () => Promise<StoreFixture>,
): readonly (readonly [title: string, run: () => Promise<void>])[] {
  return Object.entries({ ...REFUSALS, ...RECORDS, ...SELECTIONS }).map(([title, run]) => {
    const onDatabase = async (): Promise<void> => {
      const fixture = await create();
      let store = await fixture.open();
      try {
        await run(store, async () => {
          await store.close();
          store = await fixture.open();
          return store;
        });
      } finally {
        await store.close();
        await fixture.dispose();
      }
    };
    return [title, onDatabase] as const;
  });
}
