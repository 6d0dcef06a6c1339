// That every seeded defect is caught, by a checker named for it, within the seeds stated beside it.
// The command line (--mutants) looks at five ranges of seeds; here it is the
// first one, and a run ends with its first violation.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CHECKERS } from '../cast.ts';
import { MUTANTS } from './all.ts';
import { prove } from './prove.ts';

test('defects have names of their own and name checkers that there are', () => {
  const names = MUTANTS.map(({ name }) => name);
  assert.is(new Set(names).size, names.length);
  const checkers = CHECKERS.map((make) => make().name);
  const known = [
    ...checkers,
    ...[...checkers, 'clients', 'nodes'].map((who) => `liveness: ${who}`),
  ];
  const unknown = MUTANTS.flatMap(({ catchers }) => catchers.filter((who) => !known.includes(who)));
  assert.equal(unknown, []);
});

test('a build without a defect is not caught', () => {
  const sound = { ...MUTANTS[0]!, build: (build: never) => build };
  assert.is(prove(sound as never, 1, 2).seeds, undefined);
});

for (const mutant of MUTANTS) {
  test(mutant.name, () => {
    const { seeds, first = '', unsound } = prove(mutant, 1, mutant.seeds, { isBrief: true });
    assert.ok(seeds !== undefined, `survived ${mutant.seeds} seeds; unsound: ${unsound.join()}`);
    assert.ok(mutant.catchers.includes(first), `caught by ${first}`);
  });
}

test.run();
