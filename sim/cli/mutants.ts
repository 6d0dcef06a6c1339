// The mutation proof: every seeded defect is tried from several first seeds, and a table says who
// caught it and after how many seeds. Invariant: a defect that survives, or takes more seeds than
// stated beside it, is a failure. Never here: defects, how one is looked for.

import { CHECKERS } from '../cast.ts';
import { MUTANTS } from '../mutants/all.ts';
import type { Mutant } from '../mutants/mutant.ts';
import { type Proof, prove } from '../mutants/prove.ts';
import { EXIT_CODES } from '../run.ts';
import type { Command, Session } from './session.ts';

/** First seeds of ranges that never meet. */
const RANGES: readonly number[] = [1, 10_001, 20_001, 30_001, 40_001];
const USAGE_CODE = 1;

export const runMutants: Command = (session) => {
  const { only, 'seeds-per': seedsPer } = session.arguments.values;
  const chosen = MUTANTS.filter(({ name }) => name.includes(only ?? ''));
  if (chosen.length === 0) {
    session.print(`no defect has "${only}" in its name`);
    return USAGE_CODE;
  }
  session.print(`${'median'.padStart(6)} ${'worst'.padStart(6)} ${'stated'.padStart(6)}  defect`);
  const catchers = new Set<string>();
  let failures = 0;
  for (const mutant of chosen) {
    session.progress(mutant.name);
    const most = Math.max(mutant.seeds, Number(seedsPer ?? 0));
    const proofs = RANGES.map((from) => prove(mutant, from, most));
    for (const proof of proofs) for (const name of proof.catchers) catchers.add(name);
    session.progress('');
    if (!tell(session, mutant, proofs)) failures++;
  }
  const idle = CHECKERS.map((make) => make().name).filter((name) => {
    return ![...catchers].some((catcher) => catcher === name || catcher === `liveness: ${name}`);
  });
  if (only === undefined) {
    session.print(`checkers that caught nothing: ${idle.join(', ') || 'none'}`);
  }
  const verdict = failures === 0 ? 'all caught' : `${failures} survived or took too long`;
  session.print(`${chosen.length} defects: ${verdict}`);
  return failures === 0 ? 0 : EXIT_CODES.safety;
};

/** One row; true when every range caught it in time. */
function tell(session: Session, mutant: Mutant, proofs: readonly Proof[]): boolean {
  const counts = proofs.map(({ seeds }) => seeds ?? Number.POSITIVE_INFINITY);
  const sorted = [...counts].sort((a, b) => a - b);
  const [median, worst] = [sorted[sorted.length >> 1]!, sorted.at(-1)!];
  const columns = [median, worst, mutant.seeds].map((count) => {
    return (Number.isFinite(count) ? String(count) : 'never').padStart(6);
  });
  const failure = mutant.failure === undefined ? '' : ` [failure ${mutant.failure}]`;
  session.print(`${columns.join(' ')}  ${mutant.name}${failure}: ${callersOf(proofs)}`);
  const unsound = proofs.flatMap((proof) => proof.unsound);
  if (unsound.length > 0) {
    session.print(`        the sound build fails seeds ${unsound.join(', ')} of this world`);
  }
  return worst <= mutant.seeds;
}

/** Who told of it first, then who else did. */
function callersOf(proofs: readonly Proof[]): string {
  const first = [...new Set(proofs.flatMap((proof) => proof.first ?? []))];
  const all = new Set(proofs.flatMap(({ catchers }) => catchers));
  const others = [...all].filter((name) => !first.includes(name)).sort();
  const also = others.length > 0 ? ` (also ${others.join(', ')})` : '';
  return (first.join(', ') || 'nobody') + also;
}
