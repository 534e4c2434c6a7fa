import { packageRoot } from "../../src/setup/paths.ts";
import { ensureSetup } from "../../src/setup/setup.ts";
import { handOver } from "../node.mjs";
import { refreshDist } from "./build.ts";
import { installDependencies } from "./install-dependencies.ts";

export function log(line: string) {
  process.stderr.write(`scalora: ${line}\n`);
}

/** Brings a bare clone, or a changed one, to where everything runs: npm packages, dist, libtorch, the addon; side by side. */
export async function prepareRepository() {
  const packages = installDependencies(log);
  await Promise.all([packages.then(() => refreshDist(log)), setUp(packages)]);
}

async function setUp(packages: Promise<void>) {
  try {
    await ensureSetup({ packages });
  } catch (error) {
    log(error instanceof Error && "code" in error && error.code === "setup" ? error.message : String(error));
    process.exit(1);
  }
}

/** Runs Node on the arguments with this terminal, and then ends this process as that one ended. */
export async function runNode(args: string[]) {
  process.exit(await handOver(process.execPath, args, { cwd: packageRoot }));
}
