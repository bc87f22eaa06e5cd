/** `verifod compare`: a release's archive against the tag that it claims to be. */
import { type Command, Option } from "commander";
import { askRelease, RELEASE_DEFAULTS } from "../asset/release.ts";
import { VerifodError } from "../errors.ts";
import { formatRelease, RELEASE_FORMATS, type ReleaseFormat, releaseStatus } from "../report/release.ts";
import { collect } from "./options.ts";
import { writeReport } from "./output.ts";

interface Options {
  readonly format: ReleaseFormat;
  readonly output?: string;
  readonly allowHost: readonly string[];
  readonly offline?: true;
}

export function register(program: Command): void {
  program
    .command("compare")
    .description(
      "compare a release's archive with the files of its tag, the most dangerous differences first",
    )
    .argument("<asset>", "the archive: a URL or a file")
    .argument("<repository>", "the git repository: a URL or a directory")
    .argument("<tag>", "the tag, or the full id of a commit")
    .addOption(
      new Option("--format <format>", "the form of the report").choices(RELEASE_FORMATS).default("text"),
    )
    .option("--output <file>", "write the report there instead of to stdout")
    .option(
      "--allow-host <host>",
      "allow fetches from this host[:port], private or not; repeatable",
      collect,
      [],
    )
    .option("--offline", "never touch the network")
    .action(run);
}

async function run(asset: string, repository: string, tag: string, options: Options): Promise<void> {
  const release = { asset, repository, tag };
  const far = [asset, repository].find((place) => /^[a-z][a-z0-9+.-]*:\/\//i.test(place));
  if (options.offline && far !== undefined) {
    throw new VerifodError("usage", `--offline: ${far} would have to be fetched`);
  }
  const result = await askRelease(release, { ...RELEASE_DEFAULTS, allowedHosts: options.allowHost });
  process.exitCode = releaseStatus(result);
  await writeReport(formatRelease({ release, result }, options.format), options.output);
}
