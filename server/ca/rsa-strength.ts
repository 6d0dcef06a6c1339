// Whether an RSA modulus can be factored by anybody (CA/Browser Forum BR 6.1.1.3, 6.1.6): small
// factors, the ROCA structure (CVE-2017-15361), and primes too close to each other (Fermat).
// Invariant: a modulus of two random primes passes. Never here: sizes, encodings.

/** Primes below 752, which BR 6.1.6 wants tried. */
const SMALL_PRIMES: readonly number[] = primesBelow(752);
const PRIMORIAL = SMALL_PRIMES.reduce((product, prime) => product * BigInt(prime), 1n);

/**
 * ROCA moduli are powers of 65537 modulo every prime up to 167. The row holds, for each of those
 * primes where that says something, the residues such a modulus can have.
 */
const ROCA_RESIDUES: readonly (readonly [prime: number, residues: ReadonlySet<number>])[] =
  SMALL_PRIMES.filter((prime) => prime > 2 && prime <= 167)
    .map((prime) => [prime, powersOf(65_537, prime)] as const)
    .filter(([prime, residues]) => residues.size < prime - 1);

/** BR 6.1.1.3: "at least 100 rounds" of Fermat's method. */
const FERMAT_ROUNDS = 100;

/** A cheap sieve before the square root: residues of squares modulo these. */
const SQUARE_SIEVES: readonly (readonly [modulus: bigint, squares: ReadonlySet<number>])[] = [
  [64n, squaresModulo(64)],
  [3465n, squaresModulo(3465)],
  [2431n, squaresModulo(2431)],
];

/** Why anybody could factor this modulus, as the end of a sentence; undefined when sound. */
export function rsaWeakness(modulus: bigint): string | undefined {
  const small = smallFactor(modulus);
  if (small !== undefined) return `is divisible by ${small}`;
  if (hasRocaStructure(modulus)) return 'was made by a flawed library (ROCA, CVE-2017-15361)';
  if (hasCloseFactors(modulus)) return 'is the product of two primes that are too close';
  return undefined;
}

function smallFactor(modulus: bigint): number | undefined {
  const rest = modulus % PRIMORIAL;
  return SMALL_PRIMES.find((prime) => rest % BigInt(prime) === 0n);
}

function hasRocaStructure(modulus: bigint): boolean {
  const rest = modulus % PRIMORIAL;
  return ROCA_RESIDUES.every(([prime, residues]) => residues.has(Number(rest % BigInt(prime))));
}

/** Looks for a, b with a² − b² = modulus, a counted up from the square root. */
function hasCloseFactors(modulus: bigint): boolean {
  let a = squareRoot(modulus);
  if (a * a < modulus) a += 1n;
  for (let round = 0; round < FERMAT_ROUNDS; round++) {
    if (isSquare(a * a - modulus)) return true;
    a += 1n;
  }
  return false;
}

function isSquare(value: bigint): boolean {
  const possible = SQUARE_SIEVES.every(([modulus, squares]) =>
    squares.has(Number(value % modulus)),
  );
  return possible && squareRoot(value) ** 2n === value;
}

/** The integer square root, by Newton's method from above. */
function squareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt(Math.ceil(value.toString(16).length * 2));
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

function primesBelow(limit: number): number[] {
  const primes: number[] = [];
  for (let candidate = 2; candidate < limit; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes;
}

function powersOf(base: number, modulus: number): Set<number> {
  const powers = new Set<number>();
  for (let power = 1; !powers.has(power); power = (power * base) % modulus) powers.add(power);
  return powers;
}

function squaresModulo(modulus: number): Set<number> {
  const squares = new Set<number>();
  for (let root = 0; root < modulus; root++) squares.add((root * root) % modulus);
  return squares;
}
