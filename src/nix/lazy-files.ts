/**
 * Files that are parsed when they are looked at. Classes: of thousands of object literals with getters, each would have a
 * shape of its own, of a kilobyte.
 */
import type { Node as JsonNode } from "jsonc-parser";
import { parseJson } from "./json.ts";
import type { Document } from "./parser.ts";

export class NixText {
  readonly kind = "nix";
  readonly path: string;
  readonly text: string;
  private readonly read: () => Document;

  constructor(path: string, text: string, read: () => Document) {
    this.path = path;
    this.text = text;
    this.read = read;
  }

  get document(): Document {
    return this.read();
  }
}

export class JsonText {
  readonly kind = "json";
  readonly path: string;
  readonly text: string;
  /** Held only by who reads it: the trees of many files would fill the memory. */
  private tree: WeakRef<JsonNode> | null = null;

  constructor(path: string, text: string) {
    this.path = path;
    this.text = text;
  }

  get root(): JsonNode | undefined {
    const known = this.tree?.deref();
    if (known) return known;
    const root = parseJson(this.text);
    this.tree = root ? new WeakRef(root) : null;
    return root;
  }
}
