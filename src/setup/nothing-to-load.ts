import { readdirSync } from "node:fs";
import { SetupError } from "./errors.ts";
import { setupCommand, torchVersion } from "./manifest.ts";
import { packageRoot } from "./paths.ts";
import { offeredPlatforms, ownVersion, packageNameOf, thisPlatform } from "./platform-package.ts";
import { glibcVersion } from "./process-report.ts";

interface Machine {
  root?: string;
  env?: NodeJS.ProcessEnv;
  platform?: string;
  /** Whether its C library is musl. */
  isMusl?: boolean;
}

/**
 * The error where there is neither a package for this machine nor a set-up: which packages exist, and how to compile. With
 * `SCALORA_LIBTORCH` no package is looked for.
 */
export function nothingToLoad(machine: Machine = {}): SetupError {
  const { root = packageRoot, env = process.env, platform = thisPlatform, isMusl = hasMusl() } = machine;
  if (env["SCALORA_LIBTORCH"]) {
    return new SetupError("the libtorch that SCALORA_LIBTORCH names is not set up", {
      found: env["SCALORA_LIBTORCH"],
      fix: `run \`${setupCommand}\` once, which compiles the addon for it, or unset the variable`,
    });
  }
  const offered = offeredPlatforms(root);
  if (offered.length === 0) {
    return new SetupError("libtorch is not set up for this version of scalora", {
      fix: `run \`${setupCommand}\` once (it downloads libtorch and compiles the addon)`,
    });
  }
  if (!offered.includes(platform) || isMusl) {
    const system = isMusl ? `${platform} with musl` : platform;
    return new SetupError(`there is no prebuilt package of scalora for ${system}`, {
      found: `packages for ${offered.join(", ")} (Linux with glibc)`,
      fix: `compile it: SCALORA_LIBTORCH=DIR ${setupCommand}, with a C++20 compiler and a libtorch ${torchVersion} for this system in DIR (that of Python's torch, for example: site-packages/torch)`,
    });
  }
  const name = packageNameOf(platform);
  return new SetupError(`${name} is not installed`, {
    found:
      "scalora alone: npm left optional dependencies out (--omit=optional, or a lock file made on another system)",
    fix: `npm install ${name}@${ownVersion(root)}; or compile it: ${setupCommand}, with a C++ compiler and Python's pip`,
  });
}

/** Where the runtime tells of no glibc: by musl's loader of libraries. */
function hasMusl(): boolean {
  if (process.platform !== "linux" || glibcVersion() !== undefined) return false;
  try {
    return readdirSync("/lib").some((name) => /^ld-musl-.*\.so\.1$/.test(name));
  } catch {
    return false;
  }
}
