import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { failAtFileChange } from "../testing/file-fault-injection.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { ScaloraError } from "../util/errors.ts";
import { howToResume } from "./how-to-resume.ts";
import { notWritable } from "./lock-run.ts";
import { RunFolder } from "./run-folder.ts";
import { type RunStatus, readStatus } from "./status.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

const starting: RunStatus = {
  state: "starting",
  method: "lora",
  model: "m",
  step: 0,
  totalSteps: 10,
  loss: null,
  evalLoss: null,
  bestEvalLoss: null,
  bestStep: null,
  lr: null,
  tokensPerSecond: null,
  memory: null,
  remaining: null,
  message: null,
};

/** Starts a run on a disk that is full from the count-th change on. @returns the error, if there was one */
function startOnFullDisk(path: string, count: number): unknown {
  const repair = failAtFileChange(count, () => {
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  });
  try {
    using run = RunFolder.create(path, "model: {}\n");
    run.writeStatus(starting);
    return undefined;
  } catch (error) {
    return error;
  } finally {
    repair();
  }
}

test("a full disk at the start of a run leaves no folder, or one that says where the run stands", () => {
  let errors = 0;
  for (let count = 1; ; count++) {
    const path = join(folder.path, "runs", `full-${count}`);
    const error = startOnFullDisk(path, count);
    if (error === undefined) break;
    errors++;
    expect(error).toBeInstanceOf(ScaloraError);
    expect(error).toMatchObject({ code: "run", where: path, found: expect.stringContaining("ENOSPC") });
    if (existsSync(path)) expect(readStatus(path)).toMatchObject({ state: "starting" });
    else expect(readdirSync(folder.path)).toEqual([]);
    RunFolder.create(path, "model: {}\n").close();
    folder.remove();
    mkdirSync(folder.path);
  }
  expect(errors).toBeGreaterThan(5);
});

test("a new run may go elsewhere, and one that has begun is resumed: what cannot be written says which", () => {
  const full = Object.assign(new Error("ENOSPC: no space left"), { code: "ENOSPC" });
  const path = join(folder.path, "begun");
  expect(notWritable(path, full).fix).toMatch(/^free disk space there, or .*run\.folder/);
  RunFolder.create(path, "x").close();
  expect(notWritable(path, full).fix).toBe(
    `free disk space there, and go on with ${howToResume(path)}; what was saved is kept`,
  );
});

test("opening a run removes temporary files of processes that are gone, and no others", () => {
  const path = join(folder.path, "run");
  RunFolder.create(path, "x").close();
  const gone = 2 ** 22 + 1;
  const kept = [`status.json.${process.ppid}.tmp`, "notes.tmp", `${gone}.tmp`];
  for (const name of [
    ...kept,
    `status.json.${gone}.tmp`,
    `status.json.${process.pid}.tmp`,
    `control.json.${gone}.tmp`,
  ])
    writeFileSync(join(path, name), "cut");
  mkdirSync(join(path, `.lock.${gone}-123e4567-e89b-42d3-a456-426614174000.${gone}.tmp`));
  RunFolder.open(path).close();
  expect(readdirSync(path).sort()).toEqual([...kept, "config.yaml", "events.jsonl"].sort());
});

test("a new run may take the folder of one that was killed before it had a configuration", () => {
  const path = join(folder.path, "run");
  mkdirSync(join(path, ".lock"), { recursive: true });
  writeFileSync(join(path, ".lock", "4194999-token"), "{}");
  writeFileSync(join(path, "config.yaml.4194999.tmp"), "model: {");
  RunFolder.create(path, "model: {}\n").close();
  expect(readdirSync(path).sort()).toEqual(["config.yaml", "events.jsonl"]);
});
