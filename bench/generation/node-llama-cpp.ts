// node-llama-cpp, which scalora does not depend on: installed into scalora's cache when it is first measured.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { SetupError } from "../../src/setup/errors.ts";
import { cacheFolder } from "../../src/setup/paths.ts";
import { lastLines, run } from "../../src/setup/run-program.ts";

export const version = "3.21.1";

/** The package of llama.cpp's library for this platform; those for GPUs are left out. */
const libraries = new Map([
  ["linux-x64", "linux-x64"],
  ["linux-arm64", "linux-arm64"],
  ["darwin-x64", "mac-x64"],
  ["darwin-arm64", "mac-arm64-metal"],
  ["win32-x64", "win-x64"],
  ["win32-arm64", "win-arm64"],
]);

/**
 * The package's folder.
 * @param platform of the library; another one for tests
 * @throws SetupError where it cannot be installed
 */
export async function installNodeLlamaCpp(
  env: NodeJS.ProcessEnv = process.env,
  platform = `${process.platform}-${process.arch}`,
): Promise<string> {
  const folder = join(cacheFolder(env), "node-llama-cpp", version);
  const installed = join(folder, "node_modules", "node-llama-cpp");
  if (existsSync(installed)) return installed;
  const library = libraries.get(platform);
  if (library === undefined)
    throw new SetupError("node-llama-cpp has no library for this platform", { found: platform });
  console.error(`installing node-llama-cpp ${version} in ${folder}`);
  mkdirSync(dirname(folder), { recursive: true });
  const unfinished = mkdtempSync(`${folder}-`);
  try {
    // Its optional packages are libraries of some hundred megabytes for GPUs; its script would compile what is missing.
    const options = [
      "--omit=optional",
      "--ignore-scripts",
      "--no-audit",
      "--no-fund",
      "--prefix",
      unfinished,
    ];
    const packages = [`node-llama-cpp@${version}`, `@node-llama-cpp/${library}@${version}`];
    const { code, stdout, stderr } = await run("npm", ["install", ...options, ...packages], { env });
    if (code !== 0)
      throw new SetupError(`npm could not install node-llama-cpp ${version}`, {
        found: lastLines(stderr || stdout, 4),
      });
    renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return installed;
}
