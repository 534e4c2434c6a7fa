import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

interface RunOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  signal?: AbortSignal | undefined;
}

export interface RunResult {
  code: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs a program to its end, without a shell.
 * @returns `code` is 127 if it cannot be started, 128 if a signal ended it
 */
export function run(
  program: string,
  args: string[],
  { env = process.env, cwd, signal }: RunOptions = {},
): Promise<RunResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env, cwd, signal, stdio: ["ignore", "pipe", "pipe"] });
    const output = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output.stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      output.stderr += text;
    });
    const stop = () => child.kill();
    process.once("exit", stop);
    child.on("error", (error) => {
      // A process that was started and then aborted still emits `close`.
      if (child.pid === undefined) resolve({ code: 127, ...output, stderr: error.message });
    });
    child.once("close", (code) => {
      process.removeListener("exit", stop);
      resolve({ code: code ?? 128, ...output });
    });
  });
}

/** The last lines of a program's output that are not empty. */
export function lastLines(text: string, count = 12): string {
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "")
    .slice(-count)
    .join("\n");
}

/** Full path of a program on the PATH, or undefined. */
export function which(name: string, env = process.env): string | undefined {
  const file = process.platform === "win32" && !/\.\w+$/.test(name) ? `${name}.exe` : name;
  for (const folder of file.includes("/") ? [""] : (env["PATH"] ?? "").split(delimiter)) {
    const path = folder === "" ? file : join(folder, file);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}
