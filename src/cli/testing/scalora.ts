import { expect } from "vitest";
import { main } from "../main.ts";
import { CapturedStream } from "./terminal.ts";

/** Runs a command line of scalora in this process, whose engine is already set up. */
export async function runScalora(...args: string[]) {
  const [stdout, stderr] = [new CapturedStream(), new CapturedStream()];
  const code = await main(args, { stdout, stderr, env: {}, prepareEngine: async () => {} });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** The JSON result of a command that prints nothing else but its progress. */
export async function scaloraJson(...args: string[]) {
  const { code, stdout, stderr } = await runScalora(...args, "--json");
  expect(stderr.replaceAll(/evaluated.*|\s/g, "")).toBe("");
  expect(code).toBe(0);
  return JSON.parse(stdout);
}
