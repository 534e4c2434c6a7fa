import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

const tsx = createRequire(import.meta.url).resolve("tsx");

/** Node options that run a TypeScript source from any working directory. */
export const runsTypeScript: readonly string[] = ["--import", pathToFileURL(tsx).href];

export interface ChildResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Runs a TypeScript source of the tests in a fresh Node process, to its end. */
export function runChild(file: URL, ...args: string[]): Promise<ChildResult> {
  return runChildWithInput(file, "", ...args);
}

/** `runChild` with text on standard input. */
export function runChildWithInput(file: URL, input: string, ...args: string[]): Promise<ChildResult> {
  return runCommand([process.execPath, ...runsTypeScript, fileURLToPath(file), ...args], { input });
}

/**
 * Runs a command to its end.
 * @param options.env beside this process's own environment
 */
export function runCommand(
  [program = "", ...args]: readonly string[],
  { input = "", cwd, env = {} }: { input?: string; cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<ChildResult> {
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env } });
  const result: ChildResult = { code: null, signal: null, stdout: "", stderr: "" };
  child.stdin.end(input);
  child.stdout.on("data", (text) => {
    result.stdout += text;
  });
  child.stderr.on("data", (text) => {
    result.stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ ...result, code, signal }));
  });
}
