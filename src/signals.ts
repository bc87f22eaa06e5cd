/** Aborted as soon as one of the signals is, for the same reason; those that are not there do not count. */
export function anySignal(...signals: readonly (AbortSignal | undefined)[]): AbortSignal {
  return AbortSignal.any(signals.filter((signal) => signal !== undefined));
}
