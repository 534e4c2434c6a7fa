import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const local = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Brings `dist` up to date: the executable compiles the sources when they have changed. */
export function buildPackage(): void {
  spawnSync(process.execPath, [local("../../bin/scalora.mjs"), "--version"]);
}

/** Runs a program of this folder's parent, which uses the compiled package, to its end. */
export async function runProgram(name: string, ...args: string[]) {
  const child = spawn(process.execPath, [local(`../${name}`), ...args]);
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream].on("data", (text) => {
      output[stream] += text;
    });
  const [code, signal] = await once(child, "close");
  return { code, signal, ...output };
}
