/** A cache bounded by the bytes that it holds; what was not asked for longest goes first. */
export interface ByteCache<Value> {
  get(key: string): Value | undefined;
  /** Keeps `value`, said to weigh `bytes`; what is heavier than the whole cache is not kept. */
  set(key: string, value: Value, bytes: number): void;
}

/** An empty cache for at most `limit` bytes. */
export function byteCache<Value>(limit: number): ByteCache<Value> {
  // A Map iterates in the order of insertion: the first entry is the least recently used.
  const entries = new Map<string, { readonly value: Value; readonly bytes: number }>();
  let held = 0;
  const remove = (key: string): void => {
    held -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  };
  return {
    get(key) {
      const found = entries.get(key);
      if (found === undefined) return undefined;
      // While half of it is free, nothing goes soon, and the order need not be kept: that is most of what asking costs.
      if (held > limit / 2) {
        entries.delete(key);
        entries.set(key, found);
      }
      return found.value;
    },
    set(key, value, bytes) {
      remove(key);
      if (bytes > limit) return;
      entries.set(key, { value, bytes });
      held += bytes;
      for (const oldest of entries.keys()) {
        if (held <= limit) break;
        remove(oldest);
      }
    },
  };
}
