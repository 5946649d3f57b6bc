/**
 * Broken invariants: conditions that no input, however hostile, can bring about.
 * An expected "no" is a refusal (result.ts), never an InvariantError.
 */

/** Thrown when the program contradicts itself; the work in hand must stop and nothing be answered as done. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** Throws an InvariantError unless the condition holds. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** Marks a branch that the types prove impossible; reaching it is a broken invariant. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable: ${JSON.stringify(value)}`);
}

/** Returns the value, or throws an InvariantError when it is null or undefined. */
export function required<T>(value: T | null | undefined, message: string): T {
  if (value === null || value === undefined) throw new InvariantError(message);
  return value;
}

/** The message of anything that was thrown, for logs and records; never for a client. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
