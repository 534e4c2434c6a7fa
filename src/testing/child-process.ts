import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

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

/** The same, with a text on its standard input. */
export function runChildWithInput(file: URL, input: string, ...args: string[]): Promise<ChildResult> {
  const hooks = new URL("typescript-hooks.mjs", import.meta.url);
  const child = spawn(process.execPath, ["--import", hooks.href, fileURLToPath(file), ...args]);
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
