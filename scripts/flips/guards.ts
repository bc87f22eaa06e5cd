/** The guards that keep hostile input harmless, and for each the form without it, which a test must notice. */
import { ARCHIVES } from "./archives.ts";
import { COMMANDS } from "./commands.ts";
import { type Guard, guards } from "./guard.ts";
import { LIMITS } from "./limits.ts";
import { PUBLISHING } from "./publishing.ts";

export const GUARDS: readonly Guard[] = [
  ...PUBLISHING,
  ...COMMANDS,
  ...ARCHIVES,
  ...guards("src/report/visible.ts", "test/report/visible.test.ts", [
    ["hidden characters are named", "short.replace(INVISIBLE, name)", "short"],
    ["marks do not pile up", '.replace(MARK_PILE, "$1…")', ""],
    ["long values are cut", "text.length > limit\n", "text.length < 0\n"],
    [
      "JSON holds no hidden character",
      'character === "\\n" ? character : jsonEscape(character)',
      "character",
    ],
    ["a text that is cut says so", '? [...lines.slice(0, limit), "…"]', "? lines.slice(0, limit)"],
  ]),
  ...guards("src/report/markdown-escape.ts", "test/report/markdown-escape.test.ts", [
    ["no value holds our marker", '.replace(COMMENT, "<\\\\u{21}--")', ""],
    ["a fence is longer than those inside", "Math.max(least, longest + 1)", "Math.max(least, longest)"],
    ["live words become code", "!PLAIN_WORD.test(word) || LIVE_WORD.test(word)", "!PLAIN_WORD.test(word)"],
    ["other words become code", "!PLAIN_WORD.test(word) || LIVE_WORD.test(word)", "LIVE_WORD.test(word)"],
    ["no word opens a list", "index === 0 && OPENS_BLOCK.test(word)", "false"],
    [
      "a code span keeps its blanks and backticks",
      'text.trim() !== "" ? " " : ""',
      'text.trim() !== "" ? "" : ""',
    ],
  ]),
  ...guards("src/report/github.ts", "test/report/github.test.ts", [
    ["a message's line feed starts no command", '.replaceAll("\\n", "%0A")', ""],
    ["a message's percent sign is no escape", '.replaceAll("%", "%25")', ""],
    ["a comma in a path starts no property", '.replaceAll(",", "%2C")', ""],
    ["a path holds no control character", "file: visible(finding.path, 5_000)", "file: finding.path"],
  ]),
  ...guards("src/report/text.ts", "test/report/text.test.ts", [
    ["a value starts no workflow command", '.replace(/^( *):/, "$1\\\\u{003a}")', ""],
    ["a value holds no old workflow command", '.replace(/#(?=#[\\w[])/g, "\\\\u{0023}")', ""],
    [
      "a value holds no escape sequence",
      "return visible(text, limit)\n    .replace",
      "return text.slice(0, limit)\n    .replace",
    ],
  ]),
  ...guards("src/report/markdown.ts", "test/report/markdown.test.ts", [
    ["a report keeps to its limit", "if (piece.length + 2 > room) break;", ""],
  ]),
  ...guards("src/nix/hash.ts", "test/nix/hash.test.ts", [
    ["bits beyond a nix32 digest are no hash", "else if (carry !== 0) return null;", ""],
    ["letters outside of nix32 are no hash", "if (digit < 0) return null;", ""],
    [
      "letters outside of hex are no hash",
      'HEX.test(digest) ? Buffer.from(digest, "hex") : null',
      'Buffer.from(digest, "hex")',
    ],
    ["letters outside of base64 are no hash", "|| !BASE64.test(digest)) return null;", ") return null;"],
    ["the algorithm of a prefix counts", "algorithms = [prefix[1] as HashAlgorithm];", ""],
  ]),
  ...guards("src/nix/parser.ts", "test/nix/syntax.test.ts", [
    ["a parser bomb ends", "performance.now() > deadline", "false"],
    ["code behind a lone CR is code", 'text.replace(LONE_CR, "\\n")', "text"],
  ]),
  ...guards("src/nix/evaluate.ts", "test/nix/hostile-sources.test.ts", [
    [
      "evaluation takes no more steps than its limit",
      "++session.steps > STEP_LIMIT ||",
      "++session.steps < 0 ||",
    ],
    [
      "an evaluation does not fill the stack",
      "++session.steps > STEP_LIMIT || session.depth > DEPTH_LIMIT",
      "++session.steps > STEP_LIMIT",
    ],
  ]),
  ...guards("src/change/contents.ts", "test/hardening/huge-changes.test.ts", [
    [
      "the text of a change fits into memory",
      "TEXT_LIMIT_CHARACTERS = 50_000_000",
      "TEXT_LIMIT_CHARACTERS = 5_000_000_000",
    ],
  ]),
  ...guards("src/change/contents.ts", "test/facts/gather.test.ts", [
    [
      "the lines of a file fit into memory",
      "return lines > LINE_LIMIT ? TOO_MANY_LINES : content;",
      "return content;",
    ],
  ]),
  ...guards("src/change/contents.ts", "test/bounds.test.ts", [
    ["the files of a change are bounded", "if (index >= MOST_FILES)", "if (index < 0)"],
  ]),
  ...guards("src/nix/sources.ts", "test/bounds.test.ts", [
    ["the pins of a file are bounded", "if (++anchors > MOST_ANCHORS)", "if (++anchors < 0)"],
    ["steps that are used up are said", "if (isExhausted(reading.plain))", "if (reading.worlds > 1e9)"],
  ]),
  ...guards("src/nix/sources.ts", "test/facts/gather.test.ts", [
    [
      "what lies too deep is said",
      "if ((reading.isCut || reading.plain.isCut) && ",
      "if (reading.worlds > 1e9 && ",
    ],
  ]),
  ...guards("src/nix/syntax.ts", "test/bounds.test.ts", [
    ["the nodes of a file are bounded", "if (++made > MOST_NODES)", "if (++made < 0)"],
  ]),
  ...guards("src/nix/settings.ts", "test/bounds.test.ts", [
    ["settings that are cut are said", "settings.length > MOST_SETTINGS || ", "settings.length < 0 || "],
  ]),
  ...LIMITS,
  ...guards("src/nix/data-sources.ts", "test/bounds.test.ts", [
    ["the pins of a JSON file are bounded", "if (found.length > MOST_PINS)", "if (found.length < 0)"],
  ]),
  ...guards("src/nix/json.ts", "test/bounds.test.ts", [
    ["the values of a JSON file are bounded", "if (++tokens > MOST_TOKENS)", "if (++tokens < 0)"],
  ]),
  ...guards("src/change/git-process.ts", "test/hardening/nasty-repository.test.ts", [
    [
      "git gets no token of ours",
      "for (const name of inherited) {",
      "for (const name of Object.keys(process.env)) {",
    ],
  ]),
  ...guards("src/change/git-process.ts", "test/change/git.test.ts", [
    ["no replacement object is read", '"core.useReplaceRefs=false"', '"core.useReplaceRefs=true"'],
    ["no graft is read", 'GIT_GRAFT_FILE: "/dev/null",', ""],
  ]),
  {
    keeps: "git fetches nothing",
    file: "src/change/git-process.ts",
    flips: [
      ['GIT_NO_LAZY_FETCH: "1",', ""],
      ['GIT_ALLOW_PROTOCOL: "",', ""],
      ['"protocol.allow=never",', '"protocol.allow=always",'],
    ],
    test: "test/change/missing.test.ts",
  },
  ...guards("src/change/cat-file.ts", "test/change/hostile.test.ts", [
    ["a large object is not read", "if (header.size > mostWanted()) {", "if (header.size < 0) {"],
  ]),
  ...guards("src/change/objects.ts", "test/change/hostile.test.ts", [
    ["a name of a tree does not lead out", 'name === ".." || name.includes("/")', 'name.includes("/")'],
    ["a name of a tree is one name", 'name === ".." || name.includes("/")', 'name === ".."'],
    ["a name stands once in a tree", "items.has(name) || ", ""],
    ["names that are not UTF-8 stay apart", "if (!isUtf8(bytes)) {", "if (bytes.length < 0) {"],
    ["bytes are no text", 'data.includes(0) ? "NUL byte" : ', ""],
    ["a cut tree is malformed", "|| next > data.length", ""],
  ]),
  ...guards("src/change/compare.ts", "test/change/hostile.test.ts", [
    [
      "a tree without end is cut",
      "files.length > mostFiles || ++folders > MOST_FOLDERS",
      "files.length > 1e9",
    ],
    ["a deep tree is cut", "if (depth > DEEPEST) {", "if (depth > 1e9) {"],
  ]),
  ...guards("src/change/repository.ts", "test/change/git.test.ts", [
    ["a revision holds no line of its own", "|| /[\\x00-\\x1f\\x7f]/.test(revision)", ""],
  ]),
  ...guards("src/change/api-objects.ts", "test/change/api.test.ts", [
    ["a content is what its id says", "if (blobId(data, oid.length) !== oid) return null;", ""],
  ]),
  ...guards("src/change/api.ts", "test/change/api.test.ts", [
    ["a list of another head is noticed", "unchecked.push({ what: path, reason: DISAGREEMENT });", "void 0;"],
  ]),
  ...guards("src/action/report-file.ts", "test/action/report-file.test.ts", [
    ["a large report is not read", "if (size > LARGEST_REPORT)", "if (size < 0)"],
    ["a report is no link", " | constants.O_NOFOLLOW", ""],
    ["a report is a file", 'if (!stat.isFile()) throw new Error("it is not a file");', ""],
    ["a report is about the head", "if (parsed.data.head !== head)", "if (head === null)"],
    ["verdicts are counted", "data.verdicts.length > MOST_VERDICTS", "data.verdicts.length < 0"],
    ["a pin without a verdict is open", "if (proven) return [];", "return [];"],
    [
      "no report is not green",
      'return incomplete(review, [{ what: "verification", reason: report.reason }]);',
      "return review;",
    ],
  ]),
  ...guards("src/report/schema.ts", "test/action/report-file.test.ts", [
    [
      "a report has no unknown keys",
      "export const reviewSchema = z.strictObject({",
      "export const reviewSchema = z.object({",
    ],
  ]),
  ...guards("src/action/find-pulls.ts", "test/action/publish.test.ts", [
    ["a report is published on its own head", "head.sha === sha && ", ""],
    ["a report is published for its own repository", "head.repo?.id === from.id && ", ""],
    ["only runs of pull requests are published", 'run.event !== "pull_request" || ', ""],
  ]),
  ...guards("src/action/inputs.ts", "test/action/publish.test.ts", [
    [
      "what analyzes has no token",
      'if (mode === "analyze" && token !== "") {',
      'if (mode === "analyze" && token === "never") {',
    ],
  ]),
  ...guards("src/github/plan.ts", "test/github/publish.test.ts", [
    [
      "an old run does not overwrite a newer one",
      "mark.run > run && (completed || mark.result !== null)",
      "mark.run > run && mark.run < 0",
    ],
  ]),
  ...guards("src/github/publish.ts", "test/github/publish.test.ts", [
    ["a head that moved gets no comment", "published.currentHead !== pull.head", "pull.head === null"],
  ]),
  ...guards("src/github/published.ts", "test/github/publish.test.ts", [
    ["a comment of others is not ours", "if (!first?.viewerDidAuthor) return [];", "if (!first) return [];"],
    [
      "a check run of others is not ours",
      ".filter(({ app }) => slug !== undefined && app?.slug === slug)",
      "",
    ],
    ["a person is no app of that name", "/^(.+)\\[bot\\]$/", "/^(.+?)(?:\\[bot\\])?$/"],
  ]),
  ...guards("src/github/check-output.ts", "test/github/check-output.test.ts", [
    ["what is incomplete is not green", 'if (!review.complete) return "action_required";', ""],
    ["annotations are counted", ".slice(0, MOST_ANNOTATIONS)", ""],
    ["a summary keeps to its limit", "if (size <= bytes) return text;", "if (size > 0) return text;"],
  ]),
  ...guards("src/github/commands.ts", "test/github/commands.test.ts", [
    [
      "commands are counted",
      "if (commands.length <= MOST_COMMANDS) return commands;",
      "if (commands.length > 0) return commands;",
    ],
    ["a finding is named by digits", "if (FINDING.test(word)) return make", 'if (word !== "") return make'],
    ["a reason is short", "if (reason.length > LONGEST_REASON)", "if (reason.length < 0)"],
    ["a reason has words", "if (!/\\p{L}/u.test(reason))", "if (reason === null)"],
    ["a reason holds no HTML", "if (hasHtml) return", "if (!hasHtml && hasHtml) return"],
    [
      "only ASCII is another case of ASCII",
      "text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())",
      "text.toLowerCase()",
    ],
  ]),
  ...guards("src/github/command-lines.ts", "test/github/commands.test.ts", [
    ["a quoted mail commands nothing", "if (introducesMail(raw)) break;", ""],
    ["a lone CR ends a line", 'body.replace(/\\r\\n?/g, "\\n")', 'body.replaceAll("\\r\\n", "\\n")'],
    [
      "what is inside of HTML commands nothing",
      "isInside: () => lost ||",
      "isInside: () => false && lost ||",
    ],
    ["code over several lines commands nothing", 'if (raw.includes("\\n")) own = false;', ""],
  ]),
  ...guards("src/github/decide.ts", "test/github/decide.test.ts", [
    ["an edited comment commands nothing", "!answered && !edited", "!answered"],
    [
      "a command for an earlier head is void",
      "if (head !== null) return head !== pull.head;",
      "if (head !== null) return false;",
    ],
    [
      "nobody acknowledges on a head that was never looked at",
      'begun === undefined ? kind === "acknowledge"',
      "begun === undefined ? false",
    ],
    ["who may not acknowledge does not", "if (!permit.allowed) return permit;", ""],
  ]),
  ...guards("src/rules/_text.ts", "test/hardening/pasted-commands.test.ts", [
    [
      "a file's name runs nothing in a command that is pasted",
      "/^[\\w./@%+=,…-]+$/.test(named) ? named :",
      'named !== "" ? named :',
    ],
    ["a file's name is no option", 'text.startsWith("-") ?', "text === null ?"],
  ]),
  ...guards("src/ledger/fits.ts", "test/ledger/fits.test.ts", [
    ["a verdict is of the pin's location", "record.urls.includes(url) && ", ""],
    [
      "of several locations each has to be the pin's",
      "record.urls.every((known) => urls.includes(known))",
      "record.urls.length > 0",
    ],
  ]),
  ...guards("src/config-schema.ts", "test/load-config.test.ts", [
    ["aliases of aliases do not grow", "maxAliasCount: 100", "maxAliasCount: -1"],
  ]),
  ...guards("src/load-config.ts", "test/load-config.test.ts", [
    ["a large configuration is not read", "if (text.length > LARGEST_CONFIG) {", "if (text.length < 0) {"],
    [
      "a configuration is no link",
      'if (entry.kind === "symlink" || entry.kind === "submodule") {',
      'if (entry.kind === "submodule") {',
    ],
  ]),
  ...guards("src/verify/urls.ts", "test/verify/urls.test.ts", [
    [
      "a URL has no backslash and no blank",
      "if (/[\\s\\\\\\u0000-\\u001f\\u007f-\\uffff]/.test(url)) {",
      "if (url === null) {",
    ],
    [
      "a URL has no user name",
      'if (parsed.username !== "" || parsed.password !== "") {',
      "if (parsed === null) {",
    ],
    ["a host has one spelling", "if (written !== parsed.hostname) {", "if (written === null) {"],
    [
      "an inner name is no public host",
      'if (/(^|\\.)(localhost|local|internal|home\\.arpa)\\.?$/i.test(host) || !host.includes(".")) {',
      'if (!host.includes(".")) {',
    ],
    ["loopback is refused", '["127.0.0.0", 8, "a loopback address"],', ""],
    ["metadata are refused", '["169.254.0.0", 16, "a link-local or metadata address"],', ""],
    ["mapped addresses are refused", '["::ffff:0:0", 96, "an IPv4-mapped address"],', ""],
    ["NAT64 is refused", '["64:ff9b::", 96, "a NAT64 address"],', ""],
  ]),
  ...guards("src/verify/egress.ts", "test/verify/egress.test.ts", [
    [
      "a name that means an inner address is refused",
      "if (what) throw new Refusal(`${host} resolves to",
      "if (!what && what) throw new Refusal(`${host} resolves to",
    ],
    ["an inner host is refused", "if (refusal) throw new Refusal(refusal);", ""],
    [
      "a status that is none does not end the program",
      "const known = status < 200 ? 502 : status;",
      "const known = status;",
    ],
    ["only HTTP is passed on", 'if (url.protocol !== "http:") {', 'if (url.protocol === "") {'],
  ]),
  ...guards("src/verify/evaluate.ts", "test/verify/hostile-evaluation.test.ts", [
    [
      "what a tree prints does not make an attribute one that is not there",
      "if (status === 1 && !isCut && others.length === 0 && saysAbsent(only))",
      "if (errors.some((each) => saysAbsent(each)))",
    ],
  ]),
  ...guards("src/verify/trees.ts", "test/verify/trees.test.ts", [
    ["folders are counted before they are made", "if (++folders > MAX_FOLDERS)", "if (++folders < 0)"],
    [
      "files that are being read have a limit together",
      "const OVERLAP_BYTES = 1024 ** 2;",
      "const OVERLAP_BYTES = 1024 ** 3;",
    ],
    [
      "a name that no file can have is said",
      'if (!(error instanceof Error) || !("syscall" in error)) throw error;',
      "if (error) throw error;",
    ],
  ]),
  ...guards("src/verify/process.ts", "test/verify/process.test.ts", [
    ["a line without end is not kept", "piece.slice(0, LINE_LIMIT - line.length)", "piece"],
  ]),
  ...guards("src/provenance/http.ts", "test/provenance/http.test.ts", [
    [
      "what another host says is no answer",
      "if (new URL(reply.to).origin !== new URL(at).origin)",
      'if (reply.to === "")',
    ],
    ["an answer has a size", "atMost(MOST_BYTES)(answer)", "answer"],
    ["a forge is not asked in the clear", "secure: true,", "secure: false,"],
  ]),
  ...guards("src/provenance/hosts.ts", "test/provenance/hosts.test.ts", [
    [
      "no network is not a domain that is gone",
      'codeOf(error) === "ENOTFOUND" ? false',
      "error !== null ? false",
    ],
    [
      "a host is not asked in parallel",
      "last.then((before) => (isThere(before) ? find(url) : before))",
      "find(url)",
    ],
    ["a review has a budget for hosts", "if (refused !== null) return unknown(refused);", ""],
    ["what a host sends is not read", "answer.destroy();", ""],
  ]),
  ...guards("src/provenance/plain-git.ts", "test/provenance/plain-git.test.ts", [
    ["a page for people is no repository without tags", "return refs.size > 0 ?", "return refs.size >= 0 ?"],
  ]),
  ...guards("src/provenance/hosted.ts", "test/provenance/questions.test.ts", [
    [
      "a name leads to no other place of the API",
      'if (`${owner}/${name}`.split("/").some((part) => /^\\.{0,2}$/.test(part))) return null;',
      "",
    ],
  ]),
  ...guards("src/archive/collect.ts", "test/archive/read.test.ts", [
    ["entries are counted", "if (entries > limits.entries) throw", "if (entries < 0) throw"],
    ["unpacked bytes are counted", "if (bytes > limits.bytes) throw", "if (bytes < 0) throw"],
    [
      "a path does not lead out",
      'else if (parts.includes("..")) odd',
      'else if (parts.includes("never")) odd',
    ],
    ["a path is not absolute", 'if (raw.startsWith("/")) odd', 'if (raw.startsWith("never")) odd'],
    ["a long path is refused", "if (raw.length > limits.path) throw", "if (raw.length < 0) throw"],
    ["a name stands once", "for (const path of twice) files.delete(path);", ""],
  ]),
  ...guards("src/archive/unpack.ts", "test/archive/read.test.ts", [
    ["a bomb of gzip and its like is cut", "if (unpacked > most) throw", "if (unpacked < 0) throw"],
  ]),
  ...guards("src/archive/zip.ts", "test/archive/read.test.ts", [
    [
      "a bomb of zip is cut",
      "if (unpacked > limits.ratioFrom && unpacked > packed * limits.ratio) {",
      "if (unpacked < 0) {",
    ],
  ]),
  ...guards("src/archive/tar.ts", "test/archive/read.test.ts", [
    [
      "nothing follows the end of a tar",
      "if (ended && chunk.some((byte) => byte !== 0)) fail",
      "if (!ended && ended) fail",
    ],
    ["a tar is not packed twice", 'fail("it is packed twice");', ""],
    ["a tar ends", 'if (!ended) throw new ArchiveFault("its tar ends before its end");', ""],
  ]),
  ...guards("src/report/suppress.ts", "test/report/assemble.test.ts", [
    ["a suppression stands in the base", '(side === "base" || stands(comment, line))', "true"],
  ]),
];
