import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeTinyLlama } from "../src/testing/tiny-llama.ts";
import { temporaryFolder } from "../src/testing/tiny-run.ts";
import { buildPackage, runProgram } from "./support/programs.ts";

const scratch = temporaryFolder();
beforeAll(buildPackage);
afterAll(() => scratch.remove());

/** Runs a mode of the program, in a folder of its own. */
async function run(mode: string, ...more: string[]) {
  return await runProgram("fine-tune-program.ts", mode, scratch.fresh(mode), ...more);
}

async function reportOf(mode: string, ...more: string[]) {
  const { code, signal, stdout, stderr } = await run(mode, ...more);
  expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: "" });
  return JSON.parse(stdout);
}

test.concurrent("a run in a thread is the run of its recipe; it generates, evaluates and saves", async () => {
  const report = await reportOf("whole");
  expect(report.types).toEqual(["activity", "start", "sample", "eval", "step", "checkpoint", "end", "rank"]);
  expect(report.doing).toEqual(
    expect.arrayContaining([
      "starting libtorch",
      "reading the tokenizer of tiny",
      "reading the weights of tiny",
      "measuring the memory of a step",
    ]),
  );
  expect(report.isSame).toBe(true);
  expect(report.some).toMatchObject({ type: "step", step: 2 });
  expect(report.result).toMatchObject({ folder: "whole", reason: "finished", step: 8, totalSteps: 8 });
  // What runTraining makes of the run's recipe, bit for bit.
  const [own, again] = report.tensors;
  expect(Object.keys(own.tensors)).toContain("adapters.safetensors");
  expect(own).toEqual(again);
  expect(report.data).toBe(true);
  const { pieces, summary, texts, kinds, heldOut, five, fromFile, noTemplate } = report;
  expect(pieces.length).toBeGreaterThan(3);
  expect(summary).toMatchObject({ reason: expect.stringMatching(/^(end|length)$/) });
  expect(summary.tokens).toBeGreaterThan(3);
  expect(texts).toEqual(Array(3).fill(pieces.join("")));
  expect(report.sameLoss[0]).toBeGreaterThan(0);
  expect(report.sameLoss[1]).toBe(report.sameLoss[0]);
  expect(kinds).toEqual(["merged", "svd", true]);
  expect(heldOut.loss).toBeCloseTo(report.result.bestEvalLoss, 5);
  expect(five.rows).toBe(5);
  expect(fromFile).toBeGreaterThan(five.rows);
  expect(noTemplate).toMatch(/^usage: This model has no chat template/);
});

test.concurrent("an aborted run saves a checkpoint, and resumed it ends as if nobody had stopped it", async () => {
  const { seen, stopped, ends, result, tensors } = await reportOf("stop");
  expect(seen).toBeGreaterThan(3);
  expect(stopped).toEqual({ reason: "stopped", isBeforeEnd: true, hasCheckpoint: true });
  expect(ends).toMatchObject([{ reason: "stopped", message: "enough for now" }]);
  expect(result).toEqual({ reason: "finished", step: 8 });
  expect(tensors[0]).toEqual(tensors[1]);
});

test.concurrent("what is wrong is said by every way to the run, and nothing is left of it", async () => {
  const { messages, looped, used, afterClose, already, left } = await reportOf("errors");
  const [misspelt, noModel, badRow, noJson, nothing] = messages;
  expect(misspelt).toMatch(/^config: fineTune\(\) has 2 problems\n/);
  expect(misspelt).toMatch(/method\.rnk: unknown key[\s\S]*fix: +did you mean rank\?/);
  expect(misspelt).toMatch(/train\.step: unknown key/);
  expect(noModel).toMatch(/model\.path: does not exist[\s\S]*scalora get/);
  expect(badRow).toMatch(/^data: [\s\S]*where: +data\.train:\d+\n/);
  expect(badRow).not.toContain("scalora-rows");
  expect(noJson).toMatch(/^data: A row cannot be written as JSON\n +where: +data\.train, row 1/);
  expect(nothing).toMatch(/^config: This folder holds no run/);
  expect([looped, used]).toEqual([badRow, badRow]);
  expect(afterClose).toBe(badRow);
  expect(already).toBe("not at all");
  expect(left).toEqual([]);
});

test.concurrent("runs of one process work side by side, in folders of their own", async () => {
  const { refused, reasons, names, tensors } = await reportOf("two");
  const refusal = expect.stringMatching(
    /^usage: This process is already training this run\n +where: .*long\n/,
  );
  expect(refused).toEqual([refusal, refusal]);
  expect(reasons).toEqual(Array(4).fill(["finished", 8]));
  expect(names).toEqual(["tiny-lora", "tiny-lora-2"]);
  expect(tensors[0]).toEqual(tensors[1]);
});

test.concurrent("a run answers chats as it was trained, with the system message of its training", async () => {
  const model = scratch.fresh("chat-model");
  writeTinyLlama(model);
  const { answers, others, isExported, refused } = await reportOf("chats", model);
  expect(answers).toEqual(Array(3).fill(answers[2]));
  expect(others).not.toBe(answers[2]);
  expect(isExported).toBe(true);
  expect(refused).toMatch(/^usage: An importance matrix needs a merged model/);
});

test.concurrent("a thread that ends in the middle of its run is an error, and the run can be resumed", async () => {
  const { error, state, seen, reason } = await reportOf("dies");
  expect(error).toMatch(/^run: The thread that worked on the model has ended\n +found: +exit code 3/);
  // As its exit recorded it. A thread that cannot even do that: src/run/end-lost-run.test.ts.
  expect(state).toEqual(["stopped"]);
  expect([seen, reason]).toEqual(["resume", "stopped"]);
});

test.concurrent("who leaves the run's block stops it, with a checkpoint", async () => {
  const { state, files, closed, written } = await reportOf("leaves");
  // An export that has begun to write when the run is closed is written to its end.
  expect([
    ["nothing", ["merged"]],
    [expect.stringMatching(/^usage: This run was closed/), []],
  ]).toContainEqual([closed, written]);
  expect(state).toEqual(["stopped"]);
  expect(files).toEqual([
    ".rows",
    "checkpoints",
    "config.yaml",
    "events.jsonl",
    "report.html",
    "status.json",
  ]);
});

test.concurrent("a run that is stopped while it loads its model ends at once, and leaves nothing", async () => {
  const { ends, reason } = await reportOf("loading");
  expect(ends).toEqual([
    "not any more",
    "This was stopped before it had begun",
    "This was stopped before it had begun",
  ]);
  expect(reason).toBe("finished");
});

test.concurrent("the rows of a run that was killed while it loaded are in its folder, which the next one takes", async () => {
  const folder = scratch.fresh("of-both");
  const { signal } = await run("killed", folder);
  expect(signal).toBe("SIGKILL");
  expect(readdirSync(join(folder, "tiny-lora", ".rows"))).toEqual(["train.jsonl"]);
  expect(await reportOf("killed", folder, "again")).toEqual({
    folders: ["tiny-lora"],
    rows: ["train.jsonl"],
  });
});

test.concurrent.each([
  ["exit", 7, /^$/],
  ["throw", 1, /Error: ends while it trains/],
  ["unseen", 1, /ConfigError: fineTune\(\) has 1 problem/],
] as const)("a process ends by %s while it trains, not by a crash", async (mode, expected, says) => {
  const { code, signal, stderr } = await run(mode);
  expect({ code, signal }).toEqual({ code: expected, signal: null });
  expect(stderr).toMatch(says);
});
