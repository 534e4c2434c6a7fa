import { handOver } from "../node.mjs";
import { packageRoot } from "../setup/locate.mjs";
import { ensureSetup } from "../setup/setup.mjs";
import { buildDist } from "./build.mjs";
import { installDependencies } from "./dependencies.mjs";

/** @param {string} line */
export function log(line) {
  process.stderr.write(`scalora: ${line}\n`);
}

/** Brings a bare clone, or a changed one, to where everything runs: npm packages, dist, libtorch, the addon. */
export async function prepareRepository() {
  await installDependencies(log);
  await buildDist(log);
  try {
    await ensureSetup();
  } catch (error) {
    log(error instanceof Error && "code" in error && error.code === "setup" ? error.message : String(error));
    process.exit(1);
  }
}

/**
 * Runs Node on the arguments with this terminal, and then ends this process as that one ended.
 * @param {string[]} args
 */
export async function runNode(args) {
  process.exit(await handOver(process.execPath, args, { cwd: packageRoot }));
}
