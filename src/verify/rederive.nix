# Makes derivations from parts of derivations that are in the store already, as `rederive.ts` writes them to the file
# `specs`: a list of { attributes, builder, args, derivations, sources }. With parts unchanged, the derivation is the same.
{ specs }:

let
  rederive =
    spec:
    let
      derivations = builtins.mapAttrs (path: outputs: { inherit outputs; }) spec.derivations;
      sources = builtins.listToAttrs (
        map (path: {
          name = path;
          value = {
            path = true;
          };
        }) spec.sources
      );
    in
    derivation (
      spec.attributes
      // {
        inherit (spec) args;
        # What a derivation needs is the context of its texts, all of them together: one carries it for all.
        builder = builtins.appendContext spec.builder (derivations // sources);
      }
    );
in
map rederive (builtins.fromJSON (builtins.readFile specs))
