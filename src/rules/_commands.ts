/** What commands do: fetch from the network, run what they are given, decode. */
import type { Command, Script } from "../nix/model.ts";

const DOWNLOADERS =
  /^(curl|wget|wget2|aria2c|axel|http|https|xh|httpie|lynx|w3m|links|elinks|fetch|nc|ncat|netcat|socat|telnet|ftp|tftp|lftp|sftp|ssh|dig|drill|nslookup|host|rclone|aws|gsutil|gh|glab|ipfs|youtube-dl|yt-dlp)$/;
/** Downloaders with sub-commands, some of which do not use the network: `gh completion -s bash`. */
const MANY_SIDED = /^(rclone|aws|gsutil|gh|glab|ipfs)$/;
const AT_HOME = /^(completions?|gen(docs|completion|autocomplete)?|help|man|version)\b/;
const PYTHON_DOWNLOADERS =
  /^(urllib\d?\.(request\.)?(urlopen|urlretrieve|Request)|urllib2\.urlopen|requests\.(get|post|request|Session)|httpx\.\w+|aiohttp\.\w+|http\.client\.\w+|urlopen|urlretrieve|socket\.(create_connection|socket)|ftplib\.\w+|paramiko\.\w+)/;

/** By program, the sub-commands that use the network, and the options with which they do not. */
const SUBCOMMANDS: Readonly<Record<string, { goes: RegExp; stays?: RegExp }>> = {
  git: { goes: /^(clone|fetch|pull|ls-remote|remote-http|submodule (update|add))\b/ },
  go: { goes: /^(get|install \S*@|mod (download|tidy)|run \S+@)/, stays: /-mod=(vendor|readonly)/ },
  npm: { goes: /^(install|i|ci|add|update|exec|create|x)\b/, stays: /--offline/ },
  pnpm: { goes: /^(install|i|add|update|dlx|create)\b/, stays: /--offline/ },
  yarn: { goes: /^(install|add|up|upgrade|dlx|create)\b/, stays: /--offline|--immutable|--mode[= ]/ },
  bun: { goes: /^(install|i|add|update|x|create)\b/, stays: /--offline|--frozen/ },
  pip: {
    goes: /^(install|download|wheel)\b/,
    stays: /--no-index|--no-deps|(^| )\.( |$)|\.whl|--no-build-isolation/,
  },
  cargo: { goes: /^(install|fetch|update|add|search|binstall)\b/, stays: /--offline|--frozen|--path/ },
  gem: { goes: /^(install|fetch|update)\b/, stays: /--local|--force/ },
  nix: { goes: /\b(github|gitlab|sourcehut|https?|git\+https?|tarball\+https?):/ },
  "nix-shell": { goes: /https?:/ },
  "nix-build": { goes: /https?:/ },
  "nix-env": { goes: /https?:|-i/ },
  "nix-channel": { goes: /--(add|update)/ },
  openssl: { goes: /^s_client\b/ },
  hg: { goes: /^(clone|pull|incoming|identify \S*:)/ },
  svn: { goes: /^(checkout|co|export|update|up|cat|list|ls|info \S*:)\b/ },
  fossil: { goes: /^(clone|pull|sync)\b/ },
};

const LOOPBACK = /\b(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?|0\.0\.0\.0)\b|^unix:|--unix-socket/;

/** The shell's own way to open connections. */
const DEVICE = /^\/dev\/(?:tcp|udp)\//;

/** Does this command open a connection by `/dev/tcp/…`? */
export function opensConnection(command: Command): boolean {
  return command.redirects.some(({ target }) => DEVICE.test(target) && !LOOPBACK.test(target));
}

/** How code that is given in a word asks the network for something, by its interpreter. */
const ASKS: readonly (readonly [RegExp, RegExp])[] = [
  [/^perl\d?$/, /LWP|HTTP::Tiny|IO::Socket|\bget(?:store|print)\b/],
  [/^ruby$/, /\b(?:open-uri|URI\.open|Net::HTTP|TCPSocket)\b/],
  [/^(?:node|nodejs|deno|bun)$/, /\bfetch\(|\bhttps?\b.{0,20}\.(?:get|request)\(|\bnet\b.{0,20}\.connect\(/],
  [/^php$/, /\b(?:file_get_contents|copy|fopen|curl_exec|fsockopen)\b/],
  [/^lua(?:jit)?$/, /\bsocket\.(?:http|tcp)\b/],
];

/** Does the code that an interpreter is given in a word use the network? */
function asksInCode({ name, words }: Command): boolean {
  const [, asks] = ASKS.find(([interpreter]) => interpreter.test(name)) ?? [];
  return (
    asks !== undefined &&
    words.some((word) => GIVES_CODE.test(word) || word === "-r") &&
    words.some((word) => asks.test(word)) &&
    words.some((word) => word.includes("://") && !LOOPBACK.test(word))
  );
}

/** Does this command use the network, other than to reach its own machine? */
export function isNetwork(command: Command): boolean {
  if (opensConnection(command) || asksInCode(command)) return true;
  const name = command.name.replace(/^pip3(\.\d+)?$/, "pip");
  const rule = Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined;
  // Most commands are none of these, and their words need not be read.
  if (!rule && !PYTHON_DOWNLOADERS.test(name) && !DOWNLOADERS.test(name) && !/^(rsync|scp)$/.test(name))
    return false;
  const words = command.words.join(" ");
  if (LOOPBACK.test(words)) return false;
  if (/^(--version|--help|-V|-h)$/.test(words)) return false;
  if (PYTHON_DOWNLOADERS.test(command.name)) return true;
  if (/^(rsync|scp)$/.test(command.name))
    return command.words.some((word) => /^[\w.@-]+:|^rsync:/.test(word));
  if (MANY_SIDED.test(command.name) && AT_HOME.test(subcommand(command))) return false;
  if (DOWNLOADERS.test(command.name)) return command.words.length > 0 || command.reads.length > 0;
  return rule?.goes.test(subcommand(command)) === true && !rule.stays?.test(words);
}

/** The words from the first one that is no option on: `clone` for `git -C x clone`. */
function subcommand(command: Command): string {
  const takesWord = command.name === "git" ? /^-[Cc]$/ : /^$/;
  let at = 0;
  for (; at < command.words.length; at++) {
    const word = command.words[at] ?? "";
    if (takesWord.test(word)) at++;
    else if (!word.startsWith("-")) break;
  }
  return command.words.slice(at).join(" ");
}

const INTERPRETERS =
  /^((ba|da|z|k|a|fi|tc|c)?sh|python\d?(\.\d+)?|pypy\d?|perl\d?|ruby|node|nodejs|deno|bun|php|lua(jit)?|tclsh|osascript|pwsh|guile|awk|gawk)$/;

/** Does this command run the code that is given to it as its input, in `<(…)`, or as a word? */
export function isInterpreter(command: Command): boolean {
  return INTERPRETERS.test(command.name) || /^(eval|source|\.)$/.test(command.name);
}

const SHELLS = /^(ba|da|z|k|a)?sh$/;

/** Options that take a word: `bash -o pipefail`, `python3 -W ignore`. */
const TAKES_WORD = /^(?:[-+]o|-O|--rcfile|--init-file|-W|-X|-I)$/;

/** The first word that is neither an option nor the value of one; `-` counts as such a word. */
function firstOperand(words: readonly string[]): string | undefined {
  return words.find((word, index) => !/^[-+]./.test(word) && !TAKES_WORD.test(words[index - 1] ?? ""));
}

/** `python3 -c`, `perl -ne`, also with the code in the same word: `perl -ne'print'`. */
const GIVES_CODE = /^-(?:[a-z]*[cem]$|[alnpsw0-9]*[eE].|c.)/;

/** An interpreter whose code is what it reads: no script file, no `-c`, no module. */
export function runsItsInput(command: Command): boolean {
  if (!INTERPRETERS.test(command.name) || /awk$/.test(command.name)) return false;
  const first = firstOperand(command.words);
  if (!SHELLS.test(command.name) && command.words.some((word) => GIVES_CODE.test(word))) return false;
  // `xargs sh -c`: the code is what xargs appends.
  if (SHELLS.test(command.name) && /^-[a-z]*c$/.test(command.words.at(-1) ?? "")) return true;
  if (SHELLS.test(command.name) && command.words.some((word) => /^-[a-z]*c$/.test(word))) return false;
  if (command.words.some((word) => /^-[a-z]*s$/.test(word))) return true;
  return first === undefined || first === "-" || first === "/dev/stdin" || first.startsWith("<(");
}

/** Whether a word is nothing but the output of a command or the value of a variable: `"$(…)"`. */
function isWholly(word: string): boolean {
  return /^\$\([\s\S]*\)$/.test(word) || /^\$\w+$/.test(word) || /^`[\s\S]*`$/.test(word);
}

/** Is what the command holds (by `$(…)`) run as code? */
export function runsWhatItHolds(command: Command): boolean {
  if (command.name === "eval" || /^(exec|eval|compile|runpy\.\w+|importlib\.\w+)$/.test(command.name))
    return true;
  if (/^(source|\.)$/.test(command.name)) return command.words.some((word) => word.startsWith("<("));
  if (/^(os\.system|os\.popen|subprocess\.\w+)$/.test(command.name))
    return command.words[0]?.startsWith("$") ?? false;
  if (!INTERPRETERS.test(command.name)) return command.name.startsWith("$(");
  return command.words.some(
    (word, index) => /^-[a-z]*[ce]$/.test(command.words[index - 1] ?? "") && isWholly(word),
  );
}

const DECODERS: Readonly<Record<string, RegExp>> = {
  base64: /(^|\s)(-d|-D|--decode|-di)\b/,
  base32: /(^|\s)(-d|--decode)\b/,
  basenc: /(^|\s)(-d|--decode)\b/,
  xxd: /(^|\s)-\w*r/,
  openssl: /^(?=.*\b(?:enc|base64)\b).*\s-d\b/s,
  uudecode: /^/,
  gpg: /--decrypt|(^|\s)-d\b/,
  rev: /^/,
  tr: /^/,
  sed: /^/,
  cut: /^/,
  head: /(^|\s)(-\w*c|--bytes)/,
  tail: /(^|\s)(-\w*c|--bytes)/,
  dd: /^/,
  gunzip: /^/,
  gzip: /(^|\s)-\w*d/,
  zcat: /^/,
  xz: /(^|\s)-\w*d/,
  xzcat: /^/,
  bzip2: /(^|\s)-\w*d/,
  bzcat: /^/,
  printf: /\\x[0-9a-fA-F]{2}.*\\x[0-9a-fA-F]{2}|\\[0-7]{3}.*\\[0-7]{3}/,
  echo: /^-(?=\w*e).*\\x[0-9a-fA-F]{2}.*\\x[0-9a-fA-F]{2}/,
};

/** Does this command decode: turn text that nobody can read into other text? */
export function isDecoder(command: Command): boolean {
  if (
    /^(base64\.\w*decode\w*|binascii\.(unhexlify|a2b_\w+)|bytes\.fromhex|codecs\.decode|zlib\.decompress|marshal\.loads|bytearray\.fromhex)$/.test(
      command.name,
    )
  ) {
    return true;
  }
  const pattern = Object.hasOwn(DECODERS, command.name) ? DECODERS[command.name] : undefined;
  return pattern?.test(command.words.join(" ")) ?? false;
}

/** The nearest of `wanted` among the commands whose output reaches a command by pipes and `$(…)`. */
export function sourceAmong(
  script: Script,
  command: Command,
  wanted: ReadonlySet<Command>,
): Command | undefined {
  if (wanted.size === 0) return undefined;
  const queue = [...new Set([...command.reads, ...command.holds])];
  const seen = new Set(queue);
  for (const index of queue) {
    const source = script.commands[index];
    if (!source) continue;
    if (wanted.has(source)) return source;
    for (const next of [...source.reads, ...source.holds]) {
      if (seen.has(next)) continue;
      seen.add(next);
      queue.push(next);
    }
  }
  return undefined;
}

/** The words of a command that are no options. */
export function operandsOf({ words }: Command): readonly string[] {
  return words.filter((word) => !word.startsWith("-"));
}

/** The files that the output of a command is redirected to. */
export function writtenFiles({ redirects }: Command): readonly string[] {
  return redirects.filter(({ operator }) => operator.startsWith(">")).map(({ target }) => target);
}

/** Files that a command writes what it got from the network to. */
export function downloadedFiles(command: Command): readonly string[] {
  const files = [...writtenFiles(command)];
  const { words } = command;
  const bare = words
    .filter((word) => /^https?:/.test(word))
    .map((url) => url.slice(url.lastIndexOf("/") + 1));
  if (command.name === "curl" || command.name === "wget") {
    const option = command.name === "curl" ? /^(-[a-zA-Z]*o|--output)$/ : /^(-[a-zA-Z]*O|--output-document)$/;
    for (const [index, word] of words.entries()) {
      if (option.test(words[index - 1] ?? "")) files.push(word);
      const glued = /^(?:-o|-O|--output=|--output-document=)(.+)$/.exec(word)?.[1];
      if (glued) files.push(glued);
    }
    if (command.name === "wget" || words.some((word) => /^(-[a-zA-Z]*O|--remote-name)$/.test(word)))
      files.push(...bare);
  }
  if (command.name === "git" && words.includes("clone")) files.push(`${cloned(words)}/`);
  if (/urlretrieve$/.test(command.name) && words[1]) files.push(words[1]);
  return files.filter((file) => file !== "-" && file !== "/dev/null" && file !== "/dev/stdout");
}

/** The folder that `git clone` makes. */
function cloned(words: readonly string[]): string {
  const operands = words.slice(words.indexOf("clone") + 1).filter((word) => !word.startsWith("-"));
  const last = operands.at(-1) ?? "";
  return /[:/]/.test(last) && operands.length === 1 ? last.replace(/^.*[:/]|\.git$/g, "") : last;
}
