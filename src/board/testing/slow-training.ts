import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { readStatus } from "../../run/status.ts";

const program = fileURLToPath(new URL("train-slowly.ts", import.meta.url));

/** Waits until something is there. @throws after 20 seconds */
export async function eventually<T>(look: () => T | Promise<T>, what: string): Promise<NonNullable<T>> {
  const end = Date.now() + 20_000;
  while (Date.now() < end) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) return found;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error(`${what} did not come about`);
}

/** A process that records a run, once it does; `end` kills it. */
export async function slowTraining(path: string): Promise<{ end: () => Promise<void> }> {
  const child = spawn(process.execPath, [program, path], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const closed = new Promise<void>((done) => child.once("close", () => done()));
  await eventually(() => readStatus(path)?.state === "running", "training");
  return {
    end: async () => {
      child.kill("SIGKILL");
      await closed;
    },
  };
}
