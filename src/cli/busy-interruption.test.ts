import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runsTypeScript } from "../testing/child-process.ts";

const program = fileURLToPath(new URL("testing/busy-main.ts", import.meta.url));

/** Starts the task and waits until its thread is busy, for at least three seconds. */
async function startBusy() {
  const child = spawn(process.execPath, [...runsTypeScript, program], { stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text) => {
    stdout += text;
  });
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  const ended = once(child, "close");
  while (!stdout.includes("busy") && child.exitCode === null) await sleep(20);
  await sleep(200);
  /** Sends a signal. @returns the milliseconds until stderr says something new */
  const signal = async (name: NodeJS.Signals) => {
    const [began, before] = [performance.now(), stderr];
    child.kill(name);
    while (stderr === before && child.exitCode === null) await sleep(1);
    return performance.now() - began;
  };
  return { child, signal, ended, output: () => ({ stdout, stderr }) };
}

test.skipIf(process.platform !== "linux")(
  "in the middle of an operator the first Ctrl-C is answered at once, and takes effect after it",
  async () => {
    const { signal, ended, output } = await startBusy();
    const answeredIn = await signal("SIGINT");
    expect(output()).toEqual({
      stdout: "busy\n",
      stderr: "\nSIGINT: stopping (repeat to stop immediately)\n",
    });
    // Without the addon's answer it comes after the operator: seconds later.
    expect(answeredIn).toBeLessThan(1000);
    expect(await ended).toEqual([130, null]);
    expect(output()).toEqual({
      stdout: "busy\nstopped\n",
      stderr: "\nSIGINT: stopping (repeat to stop immediately)\n",
    });
  },
  60_000,
);

test.skipIf(process.platform !== "linux")(
  "the second one ends the process, though JavaScript hears of neither; one that npm passes on does not count",
  async () => {
    const { child, signal, ended, output } = await startBusy();
    await signal("SIGTERM");
    child.kill("SIGTERM");
    await sleep(400);
    expect(child.exitCode).toBeNull();
    const began = performance.now();
    child.kill("SIGINT");
    expect(await ended).toEqual([130, null]);
    expect(performance.now() - began).toBeLessThan(1500);
    expect(output()).toEqual({
      stdout: "busy\n",
      stderr: "\nSIGTERM: stopping (repeat to stop immediately)\n",
    });
  },
  60_000,
);
