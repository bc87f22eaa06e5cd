/** Errors, typed by who can mend them. Anything else that is thrown is our own bug. */
export type Fault =
  /** Wrong usage: the person at the command line or in the comment. */
  | "usage"
  /** The configuration file of the repository. */
  | "configuration"
  /** Git, the network, GitHub, Nix, the file system. */
  | "outside";

/** An expected failure: its message says what is wrong and what to do, and is shown without a stack. */
export class VerifodError extends Error {
  readonly fault: Fault;
  constructor(fault: Fault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "VerifodError";
    this.fault = fault;
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  // For a host with several addresses, Node throws one error for each, inside one that says nothing.
  if (error instanceof AggregateError && error.message === "") return error.errors.map(messageOf).join(", ");
  return error instanceof Error ? error.message : String(error);
}

/** What `act` gives, or what it threw. */
export async function attempt<T>(
  act: () => Promise<T>,
): Promise<{ readonly failure: null; readonly value: T } | { readonly failure: Error }> {
  try {
    return { failure: null, value: await act() };
  } catch (error) {
    return { failure: error instanceof Error ? error : new Error(messageOf(error)) };
  }
}

/** Marks a branch that the types rule out. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
