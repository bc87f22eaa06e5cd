/** Compares what a recipe and a repository say of a project: its homepage, and what it is. */
import { forgeKindOf } from "../origin/forges.ts";
import { type Location, parseLocation } from "../origin/location.ts";
import { domainOf } from "../origin/place.ts";
import { folded } from "./_text.ts";

/** Hosts that show a page for each of many projects without being theirs: registries and hosts of built documentation. */
const SHOWN_FOR_ALL =
  /(^|\.)(crates\.io|lib\.rs|docs\.rs|pypi\.org|pypi\.python\.org|npmjs\.com|rubygems\.org|rubydoc\.info|hex\.pm|hexdocs\.pm|hackage\.haskell\.org|stackage\.org|metacpan\.org|cpan\.org|packagist\.org|cran\.r-project\.org|pkg\.go\.dev|godoc\.org|readthedocs\.(io|org)|rtfd\.io|sourceforge\.(net|io)|flathub\.org|open-vsx\.org|marketplace\.visualstudio\.com|addons\.mozilla\.org)$/;

/** Hosts where projects have accounts, but not their own site. */
const ACCOUNTS =
  /(^|\.)(discord\.(gg|com)|t\.me|twitter\.com|x\.com|bsky\.app|youtube\.com|youtu\.be|patreon\.com|ko-fi\.com|opencollective\.com|medium\.com|reddit\.com|arxiv\.org|doi\.org|huggingface\.co|wikipedia\.org)$/;

/** Where forges serve the pages of their accounts: https://docs.github.com/en/pages and the like. */
const PAGES: readonly (readonly [suffix: string, forge: string])[] = [
  [".github.io", "github.com"],
  [".gitlab.io", "gitlab.com"],
  [".codeberg.page", "codeberg.org"],
];

interface Page {
  readonly location: Location;
  /** Equal for pages of one owner: `frob.example`, or `github.com/acme` (acme.github.io is a part of it). */
  readonly site: string;
}

/** Reads a homepage, with or without `https://`; null: it does not name a site, or not with certainty. */
function readPage(text: string): Page | null {
  if (text.includes("${") || /\s/.test(text)) return null;
  const value = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  const location = parseLocation({ value, resolved: true });
  if (!location || !/^https?$/.test(location.scheme) || !location.host.includes(".")) return null;
  return { location, site: siteOf(location) };
}

function siteOf({ host, path, owner }: Location): string {
  const bare = host.replace(/^www\./, "");
  for (const [suffix, forge] of PAGES)
    if (bare.endsWith(suffix)) return `${forge}/${bare.slice(0, -suffix.length)}`;
  const isForge = forgeKindOf(bare) !== "git";
  // The page of an account has only its name in the path; of nested groups the topmost is the owner.
  const account = owner?.repository?.owner ?? (isForge ? path.slice(1) : "");
  const [login = ""] = account.split("/");
  return login === "" ? domainOf(bare) : `${owner?.repository?.forge ?? bare}/${login}`.toLowerCase();
}

/** Whether two texts name one page: without regard to scheme, `www.`, the case of the host and a slash at the end. */
export function isSamePage(one: string, other: string): boolean {
  const [first, second] = [one, other].map((text) => {
    const page = readPage(text);
    if (!page) return null;
    const { host, path, owner } = page.location;
    if (owner?.repository) return owner.id;
    return `${host.replace(/^www\./, "")}${path.endsWith("/") ? path.slice(0, -1) : path}`;
  });
  return first !== null && first === second;
}

/** A source's repository and its owner, by all names that are known. */
export interface Project {
  readonly forge: string;
  /** What its owner is called, all names that are known. */
  readonly owners: readonly string[];
  /** What it is called, in the recipe and on the forge. */
  readonly names: readonly string[];
}

/**
 * The sites that a recipe and the repository of its source name as homepage, where they are two and neither is the project's
 * place on its forge, its owner's site or what a registry shows of it; null: there is nothing to say.
 */
export function twoSites(
  inRecipe: string,
  inRepository: string,
  project: Project,
): { readonly recipe: string; readonly repository: string } | null {
  const [recipe, repository] = [readPage(inRecipe), readPage(inRepository)];
  if (!recipe || !repository || recipe.site === repository.site) return null;
  if (isOwn(recipe, project) || namesNobody(recipe, project)) return null;
  // The repository names itself: it has no other homepage.
  const isItself =
    repository.location.host.replace(/^www\./, "") === project.forge && isOwn(repository, project);
  if (isItself || namesNobody(repository, project)) return null;
  return { recipe: nameOf(recipe), repository: nameOf(repository) };
}

/** What a message calls a page's site: its owner on a forge, or the host. */
function nameOf({ location, site }: Page): string {
  return site.includes("/") ? site : location.host.replace(/^www\./, "");
}

function isOwn({ location, site }: Page, { forge, owners }: Project): boolean {
  if (owners.some((owner) => site === `${forge}/${owner.split("/")[0]}`.toLowerCase())) return true;
  if (location.owner?.repository) return false;
  // The project runs its own forge: code.example.org beside www.example.org.
  if (site === domainOf(forge)) return true;
  // The account has the name of the domain: acme for acme.org.
  const [label = ""] = site.split(".");
  return label.length >= 4 && owners.some((owner) => folded(owner) === folded(label));
}

function namesNobody({ location: { host, path } }: Page, { names }: Project): boolean {
  if (ACCOUNTS.test(host)) return true;
  if (!SHOWN_FOR_ALL.test(host)) return false;
  const place = folded(`${host}${path}`);
  return names.some((name) => place.includes(folded(name)));
}

/** Words that say nothing of what a project is. */
const STOP_WORDS = new Set(
  "and are any based can easy fast for from free into its lightweight modern new not open other simple small software source that the this tool with written you your".split(
    " ",
  ),
);

/** Words that begin with the same so many letters count as one: frobnicate, frobnicates, frobnicator. */
const STEM = 5;

function stemsOf(text: string): readonly string[] {
  const words =
    text
      .normalize("NFKD")
      .replace(/\p{M}/gu, "")
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.filter((word) => word.length > 2 && !STOP_WORDS.has(word)).map((word) => word.slice(0, STEM));
}

/** Whether two descriptions both say something but have no word in common. `name` counts as part of the first. */
export function isOtherThing(inRecipe: string, name: string, inRepository: string): boolean {
  const [recipe, repository] = [stemsOf(inRecipe), stemsOf(inRepository)];
  if (recipe.length === 0 || repository.length === 0) return false;
  const known = new Set([...recipe, ...stemsOf(name)]);
  return !repository.some((stem) => known.has(stem));
}
