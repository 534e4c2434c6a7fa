import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { packageRoot } from "../setup/paths.ts";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { fineTune, openRun } from "./fine-tune.ts";
import type { FineTuneRun } from "./fine-tune-run.ts";

vi.mock("node:worker_threads", async (original) => ({
  ...(await original<typeof import("node:worker_threads")>()),
  Worker: class {
    constructor() {
      throw new Error("a thread was started");
    }
  },
}));

const scratch = temporaryFolder();
afterAll(scratch.remove);

/** Calls as a program without types can. */
const untyped = (call: (...args: never[]) => FineTuneRun, ...args: unknown[]): FineTuneRun =>
  Reflect.apply(call, undefined, args);

const options = {
  model: join(packageRoot, "assets/tiny"),
  data: [{ prompt: "a", completion: "b" }],
  method: "lora",
  run: { folder: scratch.path },
};

test("what is right comes to the thread", async () => {
  await expect(fineTune(options).result).rejects.toThrow("a thread was started");
  const nothingToResume = { ...options, resume: undefined };
  await expect(untyped(fineTune, nothingToResume).result).rejects.toThrow("a thread was started");
  const own = { ...options, plugins: ["test/dying-plugin.ts"], method: { method: "input-gain", some: 1 } };
  await expect(untyped(fineTune, own).result).rejects.toThrow("a thread was started");
});

test.each([
  [{ train: { stpes: 3 } }, /train\.stpes: unknown key[\s\S]*did you mean steps/],
  [{ method: { method: "lora", rnk: 3 } }, /method\.rnk: unknown key[\s\S]*did you mean rank/],
  [{ model: "smollm3" }, /model\.path: does not exist[\s\S]*fix: +`npx scalora get` lists models/],
  [{ data: "none.jsonl" }, /data\.train: does not exist/],
  [{ data: { train: options.data, eval: "none.jsonl" } }, /data\.eval: does not exist/],
  [{ data: { train: options.data, maxLenght: 3 } }, /data\.maxLenght: unknown key/],
  [{ run: "x" }, /run: [\s\S]*found: +"x" \(text\)/],
  [{ train: { lr: Number.NaN } }, /train\.lr: [\s\S]*found: +NaN/],
  [{ plugins: "nope.ts" }, /plugins: wrong value[\s\S]*expected: +a list of paths/],
  [{ plugins: ["./nope.ts"], method: "own" }, /1 problem\n[\s\S]*plugins\[0\]: does not exist/],
  [
    { plugins: ["test/dying-plugin.ts"], method: "own", train: { stpes: 3 } },
    /1 problem\n[\s\S]*train\.stpes/,
  ],
  [
    { train: { schedule: () => 1 } },
    /train\.schedule: [\s\S]*expected: +texts, numbers[\s\S]*found: .*function/,
  ],
  [{ method: { method: "lora", alpha: () => 1 } }, /method\.alpha: [\s\S]*found: .*function/],
  [{ model: { path: Promise.resolve("m") } }, /model\.path: [\s\S]*found: +a promise[\s\S]*fix: +await it/],
])("%j is refused before a thread is started", async (wrong, message) => {
  await expect(untyped(fineTune, { ...options, ...wrong }).result).rejects.toThrow(
    refusal("config", { message }),
  );
  expect(existsSync(join(scratch.path, "tiny-lora"))).toBe(false);
});

test.each([
  [
    { learningRate: 1 },
    { message: "fineTune has no option learningRate", fix: "did you mean train: { lr: … }?" },
  ],
  [{ lr: 1 }, { expected: "method", fix: "train: { lr: … }" }],
  [{ lora_r: 8 }, { fix: "method: { rank: … }" }],
  [{ modle: "m" }, { fix: "did you mean model?" }],
  [{ data: {} }, { where: "data", expected: "a list of rows", found: "an object without train" }],
  [{ data: new Set(options.data) }, { where: "data", found: "an object without train" }],
  [{ data: () => options.data }, { where: "data", found: "a value of type function" }],
])("%j is no option of fineTune, or nothing to train on", async (wrong, expected) => {
  const code = "data" in wrong ? "config" : "usage";
  await expect(untyped(fineTune, { ...options, ...wrong }).result).rejects.toThrow(refusal(code, expected));
});

test("what is asked of a run that was closed, and of no path, is an error that says so", async () => {
  const closed = openRun("assets/tiny");
  await closed.close();
  const freed = refusal("usage", { where: "assets/tiny", message: "was closed", fix: "before close()" });
  await expect(closed.generate("a")).rejects.toThrow(freed);
  await expect(closed.evaluate("train.jsonl")).rejects.toThrow(freed);
  await expect(closed.save("out/never")).rejects.toThrow(freed);
  await using opened = openRun("assets/tiny");
  await expect(opened.save("")).rejects.toThrow(refusal("usage", { message: "no path to write to" }));
  await expect(opened.export("")).rejects.toThrow(refusal("usage", { found: '""' }));
  const asked = (call: "chat" | "generate", input: unknown) => () =>
    Reflect.apply(opened[call], opened, [input]);
  for (const input of [5, null, undefined, {}]) {
    expect(asked("chat", input)).toThrow(refusal("usage", { expected: "a list of { role, content }" }));
    expect(asked("generate", input)).toThrow(refusal("usage", { message: "generate takes a text" }));
  }
  for (const message of [{ role: "user", content: null }, { content: "a" }, "a"])
    expect(asked("chat", [{ role: "user", content: "a" }, message])).toThrow(
      refusal("usage", { where: "message 2", expected: "both texts" }),
    );
  expect(() => openRun("")).toThrow(refusal("usage", { found: '""' }));
  expect(() => fineTune({ resume: "" })).toThrow(refusal("usage", { found: '""' }));
});

test("a run has one result; its failure is caught by who waits for it a little later", async () => {
  const unhandled = vi.fn();
  process.on("unhandledRejection", unhandled);
  const wrong = () => untyped(fineTune, { ...options, run: "x" });
  const run = wrong();
  expect(run.result).toBe(run.result);
  const looped = wrong();
  for (let turn = 0; turn < 3; turn++) await undefined;
  await expect(run.result).rejects.toThrow(refusal("config"));
  await expect(looped[Symbol.asyncIterator]().next()).rejects.toThrow(refusal("config"));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(unhandled).not.toHaveBeenCalled();
  process.off("unhandledRejection", unhandled);
});

test("of two runs of one folder the second is refused, until the first has ended", async () => {
  const named = { ...options, run: { folder: scratch.path, name: "twice" } };
  const aborted = { ...named, signal: AbortSignal.abort(new Error("not at all")) };
  const runs = [aborted, named, named, options, options].map((each) => fineTune(each));
  const errors = await Promise.all(runs.map((run) => run.result.catch((error: unknown) => error)));
  const started = expect.objectContaining({ message: "a thread was started" });
  expect(errors).toEqual([
    expect.objectContaining({ message: "not at all" }),
    started,
    refusal("usage", { where: join(scratch.path, "twice"), message: "already training", fix: "run.name" }),
    started,
    started,
  ]);
  expect(runs[3]?.folder).not.toBe(runs[4]?.folder);
  await expect(fineTune(named).result).rejects.toThrow("a thread was started");
});

test("a folder that holds something is refused before a thread is started", async () => {
  const run = { folder: scratch.path, name: "taken" };
  mkdirSync(join(scratch.path, "taken"));
  writeFileSync(join(scratch.path, "taken", "config.yaml"), "");
  await expect(fineTune({ ...options, run }).result).rejects.toThrow(
    refusal("config", { message: "already exists", fix: "fineTune({ resume })" }),
  );
});

test("what is no signal, no path and no run is refused as such", async () => {
  for (const signal of [{}, null, new AbortController()])
    await expect(untyped(fineTune, { ...options, signal }).result).rejects.toThrow(
      refusal("usage", { where: "signal", fix: "new AbortController().signal" }),
    );
  const nothing = join(scratch.path, "nothing");
  await expect(fineTune({ resume: nothing }).result).rejects.toThrow(refusal("config", { where: nothing }));
  await using opened = openRun(nothing);
  const asked = () => Reflect.apply(opened.evaluate, opened, [undefined, { signal: {} }]);
  await expect(asked()).rejects.toThrow(refusal("usage", { where: "signal" }));
  for (const given of [undefined, null, "assets/tiny"])
    expect(() => untyped(fineTune, given)).toThrow(refusal("usage", { message: "fineTune takes options" }));
  expect(() => untyped(fineTune, { resume: 3 })).toThrow(refusal("usage", { found: "type number" }));
  expect(() => Reflect.apply(openRun, undefined, [])).toThrow(refusal("usage", { found: "type undefined" }));
});
