/** What people look up in the index: a hash, a URL, `owner/repo`, or an attribute. */
import { toSri } from "../nix/hash.ts";
import type { FoundPin, PinIndex } from "./pin-index.ts";

export type Question =
  | { readonly kind: "hash"; readonly sri: string }
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "project"; readonly project: string }
  | { readonly kind: "attribute"; readonly attribute: string };

/** What a text asks for. A hash may have any spelling that Nix reads. */
export function questionOf(text: string): Question {
  const sri = toSri(text);
  if (sri !== null) return { kind: "hash", sri };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return { kind: "url", url: text };
  if (/^[^/\s]+\/[^/\s]+$/.test(text)) return { kind: "project", project: text.toLowerCase() };
  return { kind: "attribute", attribute: text };
}

/** The pins that fit a question: those of the indexed tree by path, then those of its history, newest first. */
export function lookUp(index: PinIndex, question: Question): readonly FoundPin[] {
  switch (question.kind) {
    case "hash":
      return index.find([question.sri], ({ hash }) => hash === question.sri);
    case "url":
      return index.find([question.url], ({ urls }) => urls.some((url) => url.includes(question.url)));
    case "project":
      // Forges ignore case.
      return index.find(
        [question.project],
        ({ urls }) => urls.some((url) => isOfProject(url, question.project)),
        true,
      );
    case "attribute": {
      const name = question.attribute.split(".").at(-1) ?? "";
      // A package's folder or file has the name of its attribute.
      return index.find(
        [name],
        ({ pname, path }) =>
          pname === name ||
          path
            .replace(/\.nix$/, "")
            .split("/")
            .includes(name),
      );
    }
  }
}

/** `https://host/OWNER/REPO`, with or without something after it, in any case. */
function isOfProject(url: string, project: string): boolean {
  const [, path = ""] = /^[^:]+:\/\/[^/]+\/(.*)$/.exec(url.toLowerCase()) ?? [];
  return `${path.replace(/\.git$/, "")}/`.startsWith(`${project}/`);
}
