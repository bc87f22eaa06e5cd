/** Random inputs that can be made again: everything is drawn from a seed. */

/** A source of numbers; the same seed gives the same ones. */
export interface Random {
  /** A whole number from 0 up to, not including, `end`. */
  below(end: number): number;
  pick<T>(items: readonly T[]): T;
}

/** https://github.com/bryc/code/blob/master/jshash/PRNGs.md#mulberry32 */
export function randomOf(seed: string): Random {
  let state = 2_166_136_261;
  for (const unit of Buffer.from(seed)) state = Math.imul(state ^ unit, 16_777_619);
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (end: number): number => Math.floor(next() * end);
  return {
    below,
    pick<T>(items: readonly T[]): T {
      return items[below(items.length)] as T;
    },
  };
}

/** Pieces joined at random. */
export function joined(random: Random, pieces: readonly string[], most: number): string {
  let text = "";
  for (let count = random.below(most + 1); count > 0; count--) text += random.pick(pieces);
  return text;
}

/** `text` with some places changed: cut, doubled, moved, replaced by a piece or by a stretch of `other`. */
export function mutated(random: Random, text: string, pieces: readonly string[], other = text): string {
  let result = text;
  for (let count = 1 + random.below(4); count > 0; count--) {
    const at = random.below(result.length + 1);
    const end = Math.min(result.length, at + random.below(random.pick([2, 20, 200])));
    const [before, part, after] = [result.slice(0, at), result.slice(at, end), result.slice(end)];
    switch (random.below(7)) {
      case 0:
        result = before + after;
        break;
      case 1:
        result = before + part.repeat(1 + random.below(random.pick([2, 50]))) + after;
        break;
      case 2: {
        const to = random.below(before.length + 1);
        result = before.slice(0, to) + part + before.slice(to) + after;
        break;
      }
      case 3: {
        const from = random.below(other.length + 1);
        result = before + other.slice(from, from + random.below(300)) + after;
        break;
      }
      case 4:
        result = before + String.fromCharCode(random.pick([random.below(128), random.below(65_536)])) + after;
        break;
      case 5:
        result = before + random.pick(pieces) + part + random.pick(pieces) + after;
        break;
      default:
        result = before + random.pick(pieces) + after;
    }
  }
  return result.slice(0, 100_000);
}

/** `data` with some bytes changed, cut away or doubled. */
export function mutatedBytes(random: Random, data: Buffer): Buffer {
  let result = Buffer.from(data);
  for (let count = 1 + random.below(6); count > 0 && result.length > 0; count--) {
    const at = random.below(result.length);
    const end = Math.min(result.length, at + random.below(random.pick([4, 64, 600])));
    switch (random.below(5)) {
      case 0:
        result = Buffer.concat([result.subarray(0, at), result.subarray(end)]);
        break;
      case 1:
        result = Buffer.concat([result.subarray(0, end), result.subarray(at)]);
        break;
      case 2:
        result.fill(random.pick([0, 0xff, 0x20, 0x37]), at, end);
        break;
      default:
        result[at] = random.pick([random.below(256), 0, 0xff, 0x2f, 0x2e, 0x37]);
    }
  }
  return result.subarray(0, 100_000);
}
