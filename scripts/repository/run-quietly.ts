import { spawn } from "node:child_process";
import { packageRoot } from "../../src/setup/paths.ts";

/**
 * Runs a program in the repository beside other work. What it says is progress, not a result, and goes to stderr.
 * @returns what went wrong, if anything did
 */
export function runQuietly(program: string, args: readonly string[]): Promise<string | undefined> {
  const child = spawn(program, args, { cwd: packageRoot, stdio: ["ignore", 2, 2] });
  const stop = () => child.kill();
  process.once("exit", stop);
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(`cannot be started: ${error.message}`));
    child.once("close", (code) => {
      process.removeListener("exit", stop);
      resolve(code === 0 ? undefined : "failed (see above)");
    });
  });
}
