import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { runsTypeScript } from "../../src/testing/child-process.ts";
import type { CampaignReport } from "./campaign.ts";
import type { ChildRequest } from "./child-request.ts";

/** How a child process ended. */
export interface ChildResult {
  /** Of the targets that it came to the end of, and of the one that failed in JavaScript. */
  readonly reports: readonly CampaignReport[];
  /** The first target without a report, when the process was ended or crashed; and what it said last. */
  readonly crash: { readonly target: string; readonly reason: string } | undefined;
}

/** The JavaScript heap of the child: a reader that would need more fails. */
const heap = "--max-old-space-size=700";

/** Fuzzes in another process, which native code or the watchdog may end. */
export async function fuzzInChild(request: ChildRequest): Promise<ChildResult> {
  const file = fileURLToPath(new URL("fuzz-child.ts", import.meta.url));
  const child = spawn(process.execPath, [heap, ...runsTypeScript, file, JSON.stringify(request)]);
  let output = "";
  let errors = "";
  child.stdout.on("data", (text) => {
    output += text;
  });
  child.stderr.on("data", (text) => {
    errors = `${errors}${text}`.slice(-4000);
  });
  const ended = await new Promise<string | undefined>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code === 0 ? undefined : (signal ?? `exit code ${code}`)));
  });
  const reports: CampaignReport[] = output
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
  const target = request.targets[reports.length];
  if (ended === undefined || target === undefined) return { reports, crash: undefined };
  return { reports, crash: { target, reason: `${ended}: ${errors.trim()}` } };
}
