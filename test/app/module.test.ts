// Needs: nix
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

test("the NixOS module evaluates to a service that holds no secret", () => {
  const evaluate = (expression: string) =>
    execFileSync(
      "nix-instantiate",
      ["--store", "dummy://", "--eval", "--strict", "--json", "--expr", expression],
      {
        cwd: root,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
  // As much of nixpkgs' lib as the module uses; options keep what they were declared with.
  const lib = `{
    mkEnableOption = text: { default = false; };
    mkOption = option: option;
    mkIf = condition: value: if condition then value else { };
    literalExpression = text: text;
    getExe = package: "\${package}/bin/verifod";
    types = { package = 0; str = 0; port = 0; ints.positive = 0; attrsOf = type: type; nullOr = type: type; enum = values: values; };
    filterAttrs = keep: set: removeAttrs set (builtins.filter (name: !keep name set.\${name}) (builtins.attrNames set));
    mapAttrsToList = f: set: map (name: f name set.\${name}) (builtins.attrNames set);
    concatMapStrings = f: list: builtins.concatStringsSep "" (map f list);
    optionalString = condition: text: if condition then text else "";
  }`;
  const module = (values: string) =>
    `import ./nix/module.nix { lib = ${lib}; pkgs.callPackage = path: arguments: "/verifod"; config.services.verifod = { package = "/verifod"; host = "127.0.0.1"; port = 3000; environment = { }; role = "all"; databaseUrlFile = null; webhookSecretFile = null; } // ${values}; }`;
  expect(JSON.parse(evaluate(`(${module("{ enable = false; }")}).config`))).toEqual({});
  const set =
    '{ enable = true; appId = 7; privateKeyFile = "/run/key"; webhookSecretFile = "/run/hook"; environment.GHE_HOST = "g.example"; }';
  const service = (values: string) =>
    JSON.parse(evaluate(`(${module(values)}).config.systemd.services.verifod`)) as {
      environment: object;
      script: string;
      serviceConfig: { LoadCredential: string[] };
    };
  const { environment, script, serviceConfig } = service(set);
  expect(environment).toMatchObject({ APP_ID: "7", PRIVATE_KEY_PATH: "%d/key.pem", GHE_HOST: "g.example" });
  expect(script).toMatch(/^WEBHOOK_SECRET=.*\nexport WEBHOOK_SECRET\nexec \/verifod\/bin\/verifod serve$/);
  expect(serviceConfig.LoadCredential).toEqual(["key.pem:/run/key", "WEBHOOK_SECRET:/run/hook"]);
  const worker = service(
    '{ enable = true; appId = 7; privateKeyFile = "/run/key"; role = "worker"; databaseUrlFile = "/run/db"; }',
  );
  expect(worker.script).toMatch(/^VERIFOD_DATABASE_URL=[\s\S]*exec \/verifod\/bin\/verifod serve --worker$/);
  expect(worker.serviceConfig.LoadCredential).toEqual(["key.pem:/run/key", "VERIFOD_DATABASE_URL:/run/db"]);
  const options = JSON.parse(
    evaluate(`builtins.attrNames (${module("{ enable = false; }")}).options.services.verifod`),
  ) as string[];
  for (const name of options)
    expect(readFileSync(join(root, "docs/app.md"), "utf8")).toContain(`\`${name}\``);
  for (const file of ["default.nix", "nix/package.nix", "nix/module.nix"]) {
    execFileSync("nix-instantiate", ["--parse", file], { cwd: root, stdio: ["ignore", "ignore", "pipe"] });
  }
});
