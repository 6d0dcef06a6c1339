// Whole numbers on the command lines of test programs. Never here: which options there are.

/** Throws for what is not an integer within the bounds; nothing is guessed. */
export function integerOption(name: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= low && value <= high) return value;
  throw new Error(`--${name} is an integer from ${low} to ${high}, not "${text}"`);
}
