import { createRequire } from "node:module";
import { readSetup, setupCommand } from "../setup/manifest.ts";
import { isNodeTooOld, minimumNode } from "../setup/node-version.ts";
import { type ErrorCode, messageOf, ScaloraError } from "../util/errors.ts";
import type { NativeAddon } from "./addon.ts";

let loaded: NativeAddon | undefined;

/** The addon, loaded at first use. @throws ScaloraError `setup`, with the command that sets it up */
export function native(): NativeAddon {
  loaded ??= load();
  return loaded;
}

function load(): NativeAddon {
  if (isNodeTooOld()) {
    throw new ScaloraError("setup", `scalora needs Node ${minimumNode} or newer`, {
      found: `Node ${process.versions.node}`,
      fix: "install a newer Node",
    });
  }
  const setup = readSetup();
  if (!setup) {
    throw new ScaloraError("setup", "libtorch is not set up for this version of scalora", {
      fix: `run \`${setupCommand}\` once (it downloads libtorch and compiles the addon)`,
    });
  }
  try {
    const addon: NativeAddon = createRequire(import.meta.url)(setup.addon);
    addon.setErrorFactory(toScaloraError);
    return addon;
  } catch (error) {
    throw new ScaloraError("setup", "The addon does not load", {
      where: `${setup.addon} (libtorch ${setup.version} in ${setup.libtorch}; ${process.platform} ${process.arch}, Node ${process.version})`,
      found: messageOf(error),
      fix: "run `npx scalora doctor`; if libtorch moved or Node changed, run `npx scalora setup` again",
      cause: error,
    });
  }
}

const codes: ReadonlyMap<string, ErrorCode> = new Map([
  ["tensor", "tensor"],
  ["format", "format"],
  ["run", "run"],
]);

function toScaloraError(kind: string, message: string, where: string, found: string, fix: string): Error {
  const details = { where, ...(found && { found }), ...(fix && { fix }) };
  return new ScaloraError(codes.get(kind) ?? "internal", message, details);
}
