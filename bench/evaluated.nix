# What evaluation gives for attributes of a package set: names, versions, and the fixed outputs that they fetch.
{ tree, paths }:
let
  pkgs = import tree {
    config = {
      allowUnfree = true;
      allowBroken = true;
      allowUnsupportedSystem = true;
    };
  };
  known = value: builtins.tryEval (builtins.deepSeq value value);
  orNull = value: (known value).value;
  valueOf = builtins.foldl' (
    set: name: if builtins.isAttrs set && set ? ${name} then set.${name} else null
  ) pkgs;

  fetches =
    slot: value:
    if builtins.isList value then
      builtins.concatMap (fetches slot) value
    else if !(builtins.isAttrs value) || (value.outputHash or null) == null || value.outputHash == "" then
      [ ]
    else
      [
        {
          inherit slot;
          hash = value.outputHash;
          algorithm = if (value.outputHashAlgo or null) == null then "" else value.outputHashAlgo;
          urls =
            if builtins.isList (value.urls or null) then
              map toString value.urls
            else if builtins.isString (value.url or null) then
              [ value.url ]
            else
              [ ];
        }
      ];
  slots = [
    "src"
    "srcs"
    "patches"
    "goModules"
    "cargoDeps"
    "npmDeps"
    "mitmCache"
    "pnpmDeps"
    "offlineCache"
    "mixFodDeps"
  ];

  package =
    path: value:
    let
      all = known (builtins.concatMap (slot: fetches slot (value.${slot} or null)) slots);
    in
    {
      attribute = builtins.concatStringsSep "." path;
      version = orNull (value.version or null);
      fetches = if all.success then all.value else [ ];
    };
  isPackage = value: builtins.isAttrs value && (value.type or null) == "derivation";
  # With those that a package has beside itself, one for each version.
  packages =
    path:
    let
      value = valueOf path;
      variants = value.variants or { };
    in
    if !(isPackage value) then
      [ ]
    else
      [ (package path value) ]
      ++ map (name: package (path ++ [ name ]) variants.${name}) (
        builtins.filter (name: isPackage variants.${name}) (builtins.attrNames variants)
      );
in
builtins.concatMap (
  path:
  let
    found = known (packages path);
  in
  if found.success then found.value else [ ]
) paths
