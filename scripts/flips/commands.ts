/** The guards around who may ask for what, and around what the App's server takes of strangers. */
import { type Guard, guards } from "./guard.ts";

export const COMMANDS: readonly Guard[] = [
  ...guards("src/github/permissions.ts", "test/github/permissions.test.ts", [
    [
      "nobody acknowledges findings of their own",
      'if (person.id === author) return refused("Nobody',
      'if (person.id === null) return refused("Nobody',
    ],
    [
      "without an author nobody acknowledges",
      'if (author === null) return notFoundOut("who opened this pull request");',
      "",
    ],
    [
      "a name that another account has now is not trusted",
      'typeof found === "number" || found?.user?.id !== person.id',
      'typeof found === "number" || found === null',
    ],
    ["an odd name is not asked about", 'if (!isName(person.login)) return "unknown";', ""],
    ["a team of another organisation has no say", "|| org.toLowerCase() !== owner.toLowerCase()", ""],
    ["an invitation is no membership", 'found.state === "active"', "true"],
    [
      "a role that is not known asks no team",
      'if (role === "unknown") return notFoundOut("what this account may do");\n  let open',
      "let open",
    ],
    [
      "triage does not acknowledge",
      'if (role === "write") return ALLOWED;\n  // Teams',
      'if (role === "write" || role === "triage") return ALLOWED;\n  // Teams',
    ],
  ]),
  ...guards("src/github/acknowledgements.ts", "test/github/acknowledgements.test.ts", [
    [
      "an acknowledgement is of what the finding says",
      "finding ? each.content === contentOf(finding) : !review.complete",
      "finding !== undefined || !review.complete",
    ],
    ["one person counts once", "stands && first === index", "stands"],
    ["enough people are needed", "standing.given.length >= standing.needed", "standing.given.length > 0"],
    [
      "an acknowledgement is of one head and pull request",
      "state?.head === head && state.pull === number ? state.given : []",
      "state?.given ?? []",
    ],
    [
      "acknowledgements are counted",
      "if (kept.length > MOST_GIVEN || state.length > LONGEST_STATE) return null;",
      "",
    ],
  ]),
  ...guards("src/app/http.ts", "test/app/http.test.ts", [
    ["a large delivery is not read", "if (!(declared <= LARGEST_DELIVERY))", "if (declared < 0)"],
    ["deliveries that are being received are bounded together", "if (held > MOST_HELD)", "if (held < 0)"],
    ["small pieces count for what they take", "const PIECE_COST = 1_000;", "const PIECE_COST = 0;"],
    ["a delivery is no longer than it may be", "if (length > declared)", "if (length < 0)"],
    ["what was not signed is counted by no name of its own", 'status < 300 ? event : "refused"', "event"],
  ]),
];
