/** Addresses on which a service listens. */

/** The whole of a value: the own machine, or everywhere. */
const LOOPBACK = /^(\[?::1\]?|127\.\d+\.\d+\.\d+|localhost)(:\d+)?$/;
const WILDCARD = /^(0\.0\.0\.0|\[?::\]?|\*|)(:\d+)?$/;
/** The same within a text, such as a command. `0.0.0.0/0` is a network. */
const OWN = /(?<![\w.:-])(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost|\[::1\])(?![\w.])/g;
const ANY = /(?<![\w.:-])(?:0\.0\.0\.0|\[::\])(?![\w./])/g;

const times = (text: string, pattern: RegExp) => text.match(pattern)?.length ?? 0;

/** Whether an address goes from the own machine to everywhere, when it is the whole of a value. */
export function isOpened(old: string, now: string): boolean {
  return LOOPBACK.test(old) && WILDCARD.test(now);
}

/** Whether a text names everywhere where it named the own machine. */
export function namesEverywhere(old: string, now: string): boolean {
  return times(now, ANY) > times(old, ANY) && times(now, OWN) < times(old, OWN);
}
