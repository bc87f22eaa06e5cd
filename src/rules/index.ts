/** All rules. Written by `npm run rules`: do not edit. */
// biome-ignore-all assist/source/organizeImports: in the order of the rules.
// biome-ignore-all format: one rule a line, so that two new rules rarely meet in one line.
import { rule as attrOrBinaryHijack } from "./attr-or-binary-hijack.ts";
import { rule as binaryOrHugeFile } from "./binary-or-huge-file.ts";
import { rule as buildPhaseNetwork } from "./build-phase-network.ts";
import { rule as ciWorkflowChange } from "./ci-workflow-change.ts";
import { rule as compilerHardeningDisabled } from "./compiler-hardening-disabled.ts";
import { rule as depHashChangedAlone } from "./dep-hash-changed-alone.ts";
import { rule as depHashStale } from "./dep-hash-stale.ts";
import { rule as dependencyRewire } from "./dependency-rewire.ts";
import { rule as diffSuppression } from "./diff-suppression.ts";
import { rule as embeddedScriptGrowth } from "./embedded-script-growth.ts";
import { rule as farRightCode } from "./far-right-code.ts";
import { rule as fetchHookChanged } from "./fetch-hook-changed.ts";
import { rule as fetcherInfraChange } from "./fetcher-infra-change.ts";
import { rule as firewallDefaultOpened } from "./firewall-default-opened.ts";
import { rule as fodHashReuse } from "./fod-hash-reuse.ts";
import { rule as freshUpstreamRelease } from "./fresh-upstream-release.ts";
import { rule as hashChangedAlone } from "./hash-changed-alone.ts";
import { rule as hiddenUnicode } from "./hidden-unicode.ts";
import { rule as highEntropyString } from "./high-entropy-string.ts";
import { rule as hijackableSourceHost } from "./hijackable-source-host.ts";
import { rule as homoglyphString } from "./homoglyph-string.ts";
import { rule as impostorCommit } from "./impostor-commit.ts";
import { rule as impureEval } from "./impure-eval.ts";
import { rule as insecureMarkRemoved } from "./insecure-mark-removed.ts";
import { rule as insecureTransport } from "./insecure-transport.ts";
import { rule as lockfilePoisoning } from "./lockfile-poisoning.ts";
import { rule as loneCrHiddenCode } from "./lone-cr-hidden-code.ts";
import { rule as lookalikeHostOrOwner } from "./lookalike-host-or-owner.ts";
import { rule as maintainerTakeover } from "./maintainer-takeover.ts";
import { rule as movedOrMutableRef } from "./moved-or-mutable-ref.ts";
import { rule as mutablePatchUrl } from "./mutable-patch-url.ts";
import { rule as obfuscatedPayload } from "./obfuscated-payload.ts";
import { rule as outOfScopeChange } from "./out-of-scope-change.ts";
import { rule as platformSplitSource } from "./platform-split-source.ts";
import { rule as prebuiltBinarySwitch } from "./prebuilt-binary-switch.ts";
import { rule as privilegeGrantAdded } from "./privilege-grant-added.ts";
import { rule as registryChecksumMismatch } from "./registry-checksum-mismatch.ts";
import { rule as releaseAssetInsteadOfGit } from "./release-asset-instead-of-git.ts";
import { rule as remoteAccessWeakened } from "./remote-access-weakened.ts";
import { rule as remoteCodeInRecipe } from "./remote-code-in-recipe.ts";
import { rule as reviewerPromptInjection } from "./reviewer-prompt-injection.ts";
import { rule as sandboxEscapeAttr } from "./sandbox-escape-attr.ts";
import { rule as securityPatchRemoved } from "./security-patch-removed.ts";
import { rule as sourceIdentitySwap } from "./source-identity-swap.ts";
import { rule as staleHashOnBump } from "./stale-hash-on-bump.ts";
import { rule as staticParseDisagreement } from "./static-parse-disagreement.ts";
import { rule as symlinkOrSpecialFile } from "./symlink-or-special-file.ts";
import { rule as systemdHardeningRemoved } from "./systemd-hardening-removed.ts";
import { rule as testsDisabled } from "./tests-disabled.ts";
import { rule as tlsVerificationOff } from "./tls-verification-off.ts";
import { rule as treewideNeedle } from "./treewide-needle.ts";
import { rule as trustAnchorAdded } from "./trust-anchor-added.ts";
import { rule as updateScriptRemoteExec } from "./update-script-remote-exec.ts";
import { rule as urlChangedHashKept } from "./url-changed-hash-kept.ts";
import { rule as versionDowngrade } from "./version-downgrade.ts";
import { rule as weakOrDisabledHash } from "./weak-or-disabled-hash.ts";
import { rule as writesOutsideOut } from "./writes-outside-out.ts";
import { rule as wrongUpstream } from "./wrong-upstream.ts";
import type { Rule } from "./rule.ts";

export const rules: readonly Rule[] = [
  attrOrBinaryHijack,
  binaryOrHugeFile,
  buildPhaseNetwork,
  ciWorkflowChange,
  compilerHardeningDisabled,
  depHashChangedAlone,
  depHashStale,
  dependencyRewire,
  diffSuppression,
  embeddedScriptGrowth,
  farRightCode,
  fetchHookChanged,
  fetcherInfraChange,
  firewallDefaultOpened,
  fodHashReuse,
  freshUpstreamRelease,
  hashChangedAlone,
  hiddenUnicode,
  highEntropyString,
  hijackableSourceHost,
  homoglyphString,
  impostorCommit,
  impureEval,
  insecureMarkRemoved,
  insecureTransport,
  lockfilePoisoning,
  loneCrHiddenCode,
  lookalikeHostOrOwner,
  maintainerTakeover,
  movedOrMutableRef,
  mutablePatchUrl,
  obfuscatedPayload,
  outOfScopeChange,
  platformSplitSource,
  prebuiltBinarySwitch,
  privilegeGrantAdded,
  registryChecksumMismatch,
  releaseAssetInsteadOfGit,
  remoteAccessWeakened,
  remoteCodeInRecipe,
  reviewerPromptInjection,
  sandboxEscapeAttr,
  securityPatchRemoved,
  sourceIdentitySwap,
  staleHashOnBump,
  staticParseDisagreement,
  symlinkOrSpecialFile,
  systemdHardeningRemoved,
  testsDisabled,
  tlsVerificationOff,
  treewideNeedle,
  trustAnchorAdded,
  updateScriptRemoteExec,
  urlChangedHashKept,
  versionDowngrade,
  weakOrDisabledHash,
  writesOutsideOut,
  wrongUpstream,
];
