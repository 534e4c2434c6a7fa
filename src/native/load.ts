import { existsSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { basename } from "node:path";
import { SetupError } from "../setup/errors.ts";
import { readSetup, type Setup } from "../setup/manifest.ts";
import { isNodeTooOld, minimumNode } from "../setup/node-version.ts";
import { nothingToLoad } from "../setup/nothing-to-load.ts";
import { checkPackage } from "../setup/platform-package.ts";
import { loadedLibraries } from "../setup/process-report.ts";
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
  const setup = findSetup();
  refuseSecondAddon(setup.addon);
  try {
    const addon: NativeAddon = createRequire(import.meta.url)(setup.addon);
    addon.setErrorFactory(toScaloraError);
    return addon;
  } catch (error) {
    throw new ScaloraError("setup", "The addon does not load", {
      where: `${setup.addon} (libtorch ${setup.version} in ${setup.libtorch}; ${process.platform} ${process.arch}, Node ${process.version})`,
      found: messageOf(error),
      fix:
        setup.package !== undefined
          ? "run `npx scalora doctor`, which checks the package; installing again restores it"
          : "run `npx scalora doctor`; if libtorch moved or Node changed, run `npx scalora setup` again",
      cause: error,
    });
  }
}

/** What to load, checked when it is a package. */
function findSetup(): Setup {
  let setup: Setup | undefined;
  try {
    setup = readSetup();
    if (setup?.package !== undefined) checkPackage(setup.package);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    const { what, found, fix } = error;
    throw new ScaloraError("setup", what, { found, fix, cause: error });
  }
  if (setup !== undefined) return setup;
  const { what, found, fix } = nothingToLoad();
  throw new ScaloraError("setup", what, { found, fix });
}

/** A second addon would register its operators with the libtorch of the first, which ends the process. */
function refuseSecondAddon(addon: string) {
  const own = realpathSync(addon);
  const other = loadedLibraries().find(
    (path) => basename(path) === "scalora.node" && (!existsSync(path) || realpathSync(path) !== own),
  );
  if (other === undefined) return;
  throw new ScaloraError("setup", "This process has loaded the addon of another scalora", {
    expected: own,
    found: other,
    fix: "let all of the program use one scalora: `npm ls scalora` shows who brings which, `npm dedupe` or an entry in overrides joins them",
  });
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
