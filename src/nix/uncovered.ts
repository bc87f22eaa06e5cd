/** Hashes that no call in sight takes: where they end up is found by looking through values, here and beside. */
import { asSet, evaluateAt } from "./evaluate.ts";
import { type Assumed, followChoices } from "./follow.ts";
import { type PackageFacts, packageAround, packageFacts } from "./packages.ts";
import { makeSource } from "./pin.ts";
import { reaching, releaseOf } from "./reaching.ts";
import { addPin, isLocated, pinKey, type Reading } from "./reading.ts";
import { type Choice, createSession, isExhausted, type Session } from "./session.ts";
import type { HashLiteral } from "./sites.ts";
import { parts, type SyntaxNode } from "./syntax.ts";
import { hashedCalls } from "./trace.ts";
import { carrierOf, tracedPin } from "./traced-pin.ts";
import { set as setOf, type Value } from "./value.ts";
import { nearFiles, traceWhole } from "./whole-trace.ts";

/** Looks through the value of the whole file. */
export function traceFile(reading: Reading): void {
  for (const source of traceWhole(reading, reading.file).sources) addPin(reading.pins, source);
}

/** Looks for one literal in the calls around it, nearest first, assuming what leads to it. */
export function traceLiteral(reading: Reading, literal: HashLiteral): void {
  const root = reading.file.document.root;
  const assumed = reaching(reading.file, literal);
  for (const node of [...callsAround(literal.node), root]) {
    // Without assumptions, the whole file has been looked through already.
    if (node === root && assumed.size === 0) return;
    if (follow(reading, literal, assumed, (these) => traceCall(reading, node, these))) return;
  }
}

/** Assumes step by step what leads to a literal, until it is known where that ends up; returns whether it is. */
export function follow(
  reading: Reading,
  literal: HashLiteral,
  first: Assumed,
  trace: (assumed: Assumed) => readonly Choice[],
): boolean {
  const wanted = pinKey(reading.file, literal.node);
  return followChoices(reading, literal.path, first, (assumed) => {
    const choices = trace(assumed);
    const pin = reading.pins.get(wanted);
    return { choices, isFound: pin !== undefined, isLocated: pin !== undefined && isLocated(pin) };
  });
}

/** Looks through what an expression gives under assumptions, once for all literals in it; gives the choices met. */
function traceCall(reading: Reading, node: SyntaxNode, assumed: Assumed): readonly Choice[] {
  const isWhole = node === reading.file.document.root;
  const files = isWhole ? nearFiles(reading.file.path, reading.files) : reading.files;
  return traceOnce(reading, [node.start, node.end, ...assumed], createSession(files, assumed), (session) =>
    addTraced(reading, session, evaluateAt(session, reading.file, node), node),
  );
}

/** Looks through something in a session, the first time that it is asked for; gives the choices met. */
export function traceOnce(
  reading: Reading,
  what: readonly unknown[],
  session: Session,
  trace: (session: Session) => void,
): readonly Choice[] {
  const key = JSON.stringify(what);
  const known = reading.traced.get(key);
  if (known) return known;
  reading.worlds--;
  trace(session);
  reading.worlds -= session.steps >> 9;
  reading.isCut ||= session.isCut || isExhausted(session);
  reading.traced.set(key, session.choices);
  return session.choices;
}

function callsAround(node: SyntaxNode): readonly SyntaxNode[] {
  const calls: SyntaxNode[] = [];
  let child = node;
  for (let up = node.parent; up; up = up.parent) {
    if (up.type === "apply_expression" && parts(up)[1] === child) calls.push(up);
    child = up;
  }
  return calls.slice(0, 6);
}

/** Keeps the pins of the file that a value holds. `node`: what was looked through; null: the value of a whole file. */
export function addTraced(reading: Reading, session: Session, value: Value, node: SyntaxNode | null): void {
  for (const hit of hashedCalls(session, value)) {
    if (hit.origin.file.path === reading.file.path)
      addPin(reading.pins, tracedPin(session, reading.file, hit, node));
  }
}

/** A hash that nothing known takes: the set around it is all that there is to say. */
export function addBare(reading: Reading, literal: HashLiteral): void {
  // A lone argument may be anything; only where it ends up says that it is a hash.
  if (literal.argument) return;
  const { file, plain } = reading;
  const carrier = carrierOf(file, literal.node);
  const attributes = asSet(plain, evaluateAt(plain, file, carrier));
  const around = packageAround(plain, file, carrier);
  const own = attributes && packageFacts(plain, attributes);
  // An entry of a table of releases has a version of its own, which the package's default is not.
  const facts: PackageFacts =
    own && own.version !== null
      ? { ...own, node: carrier }
      : releaseOf(literal) === undefined
        ? around
        : { ...around, version: null, versionOrigin: null };
  addPin(
    reading.pins,
    makeSource({
      session: plain,
      file,
      node: literal.node,
      carrier,
      fetcher: null,
      attributes: attributes ?? setOf([], true),
      hashName: literal.name ?? "",
      hash: evaluateAt(plain, file, literal.node),
      origin: { file, start: literal.node.start, end: literal.node.end },
      package: facts,
    }),
  );
}
