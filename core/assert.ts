// Assertions about our own code. They are on in production: a broken invariant stops the node,
// because a certificate authority that continues in an impossible state is worse than one that
// restarts from what is durable. Never here: complaints about a client, a peer or a configuration.

/** Raised when the program itself is wrong. Nothing catches it but the driver, which stops. */
export class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure';
}

/** Throws unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}

/** For the branch that no value can reach; the compiler proves it, this guards it. */
export function unreachable(value: never): never {
  throw new AssertionFailure(`unreachable: ${JSON.stringify(value)}`);
}
