# The App as a service of NixOS: docs/app.md.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  cfg = config.services.verifod;
  # Variables whose values are secret, and the files that have them.
  secrets = lib.filterAttrs (_: file: file != null) {
    VERIFOD_DATABASE_URL = cfg.databaseUrlFile;
    WEBHOOK_SECRET = cfg.webhookSecretFile;
  };
in
{
  options.services.verifod = {
    enable = lib.mkEnableOption "the verifod GitHub App";

    package = lib.mkOption {
      type = lib.types.package;
      default = pkgs.callPackage ./package.nix { };
      defaultText = lib.literalExpression "pkgs.callPackage ./package.nix { }";
      description = "The package to run.";
    };

    appId = lib.mkOption {
      type = lib.types.ints.positive;
      example = 123456;
      description = "The App ID that the App's settings page shows.";
    };

    privateKeyFile = lib.mkOption {
      type = lib.types.str;
      example = "/run/secrets/verifod.pem";
      description = "The private key of the App. Only the service reads it; it is not copied to the store.";
    };

    role = lib.mkOption {
      type = lib.types.enum [
        "all"
        "receiver"
        "worker"
      ];
      default = "all";
      description = "What it does: take deliveries, do jobs, or both. Those that share the work need databaseUrlFile.";
    };

    databaseUrlFile = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      default = null;
      example = "/run/secrets/verifod-database";
      description = "A file with the address of the PostgreSQL that several processes share, as postgres://…";
    };

    webhookSecretFile = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      default = null;
      example = "/run/secrets/verifod-webhook";
      description = "A file with the webhook secret of the App, and nothing else. A worker needs none.";
    };

    host = lib.mkOption {
      type = lib.types.str;
      default = "127.0.0.1";
      description = "The address to listen on, behind a server that ends TLS.";
    };

    port = lib.mkOption {
      type = lib.types.port;
      default = 3000;
      description = "The port to listen on.";
    };

    environment = lib.mkOption {
      type = lib.types.attrsOf lib.types.str;
      default = { };
      example = {
        GHE_HOST = "github.example.org";
      };
      description = "More environment variables, none of them secret.";
    };
  };

  config = lib.mkIf cfg.enable {
    systemd.services.verifod = {
      description = "verifod, the GitHub App";
      wantedBy = [ "multi-user.target" ];
      wants = [ "network-online.target" ];
      after = [ "network-online.target" ];
      environment = {
        APP_ID = toString cfg.appId;
        HOST = cfg.host;
        PORT = toString cfg.port;
        PRIVATE_KEY_PATH = "%d/key.pem";
        NODE_ENV = "production";
      } // cfg.environment;
      script =
        lib.concatMapStrings
          (name: ''
            ${name}=$(cat "$CREDENTIALS_DIRECTORY/${name}")
            export ${name}
          '')
          (builtins.attrNames secrets)
        + "exec ${lib.getExe cfg.package} serve${lib.optionalString (cfg.role != "all") " --${cfg.role}"}";
      serviceConfig = {
        LoadCredential = [
          "key.pem:${cfg.privateKeyFile}"
        ]
        ++ lib.mapAttrsToList (name: file: "${name}:${file}") secrets;
        Restart = "on-failure";
        RestartSec = 5;
        # Longer than the App lets what runs go on.
        TimeoutStopSec = 40;
        DynamicUser = true;
        MemoryMax = "4G";
        CapabilityBoundingSet = "";
        LockPersonality = true;
        NoNewPrivileges = true;
        PrivateDevices = true;
        PrivateTmp = true;
        ProtectClock = true;
        ProtectControlGroups = true;
        ProtectHome = true;
        ProtectHostname = true;
        ProtectKernelLogs = true;
        ProtectKernelModules = true;
        ProtectKernelTunables = true;
        ProtectProc = "invisible";
        ProtectSystem = "strict";
        RestrictAddressFamilies = [
          "AF_INET"
          "AF_INET6"
          "AF_UNIX"
        ];
        RestrictNamespaces = true;
        RestrictRealtime = true;
        RestrictSUIDSGID = true;
        SystemCallArchitectures = "native";
      };
    };
  };
}
