// What fine-tune.test.ts runs in processes of their own: programs that train in a thread. They use the compiled package, as other
// programs do. `node fine-tune-program.ts MODE FOLDER`: what it did as JSON
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type FineTuneEvent,
  type FineTuneOptions,
  type FineTuneRun,
  fineTune,
  listRuns,
  loadRecipe,
  openRun,
  runTraining,
  ScaloraError,
} from "scalora";

const here = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const file = here("examples/data/train.jsonl");
const rows: { prompt: string; completion: string }[] = readFileSync(file, "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));
const [mode = "", folder = "."] = process.argv.slice(2);

/** A run of the tiny model on these rows. */
const options = (name: string, more: Partial<FineTuneOptions> = {}): FineTuneOptions => ({
  model: here("assets/tiny"),
  data: rows,
  method: { method: "lora", rank: 2 },
  ...more,
  train: { steps: 8, lr: 5e-3, evalEvery: 4, saveEvery: 2, ...more.train },
  run: { folder, name, ...more.run },
});

/** The hashes of the tensors in a run's newest checkpoint, and its step. */
function lastCheckpoint(run: string) {
  const checkpoints = join(run, "checkpoints");
  const last = readdirSync(checkpoints).sort().at(-1) ?? "";
  const names = readdirSync(join(checkpoints, last)).filter((name) => name.endsWith(".safetensors"));
  const hash = (name: string) =>
    createHash("sha256")
      .update(readFileSync(join(checkpoints, last, name)))
      .digest("hex");
  return { last, tensors: Object.fromEntries(names.sort().map((name) => [name, hash(name)])) };
}

/** The lines of what a promise is rejected with. */
async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof ScaloraError ? `${error.code}: ${error.message}` : `no error of ours: ${error}`;
  }
  return "nothing";
}

async function events(run: FineTuneRun, until = (_event: FineTuneEvent) => false): Promise<FineTuneEvent[]> {
  const all: FineTuneEvent[] = [];
  for await (const event of run) {
    all.push(event);
    if (until(event)) break;
  }
  return all;
}

const isStep = (step: number) => (event: FineTuneEvent) => event.type === "step" && event.step === step;

const modes: Readonly<Record<string, () => Promise<object>>> = {
  /** A run with its consumers, its uses, and the same recipe trained by `runTraining` in this thread. */
  async whole() {
    const run = fineTune(options("whole"));
    const [all, some] = await Promise.all([events(run), events(run, isStep(2))]);
    const late = await events(run);
    const result = await run.result;
    const recipe = loadRecipe(join(run.folder, "config.yaml"));
    const again = { ...recipe, run: { ...recipe.run, name: "again" } };
    await runTraining(again, { signal: new AbortController().signal, onEvent: () => {} });
    const prompt = rows[0]?.prompt ?? "";
    const pieces: string[] = [];
    const streamed = run.generate(prompt, { maxTokens: 12 });
    for await (const piece of streamed) pieces.push(piece);
    const text = await run.generate(prompt, { maxTokens: 12 });
    const out = join(folder, "merged");
    const saved = await run.save(out);
    const svd = await run.save(join(folder, "svd"), { as: "svd", rank: 2 });
    const merged = openRun(out);
    const opened = openRun(run.folder, { checkpoint: "last" });
    const { loss: ofItsOwn } = await opened.evaluate();
    return {
      types: [...new Set(all.map(({ type }) => type))],
      doing: all.flatMap((event) => (event.type === "activity" ? event.what : [])),
      isSame: JSON.stringify(all) === JSON.stringify(late),
      some: some.at(-1),
      result: { ...result, folder: basename(result.folder) },
      tensors: [lastCheckpoint(run.folder), lastCheckpoint(join(folder, "again"))],
      data: readFileSync(join(run.folder, ".rows", "train.jsonl"), "utf8") === readFileSync(file, "utf8"),
      pieces,
      summary: await streamed.summary(),
      texts: [
        text,
        await merged.generate(prompt, { maxTokens: 12 }),
        await opened.generate(prompt, { maxTokens: 12 }),
      ],
      // Of a model that is freed, and of the one that has generated.
      sameLoss: [ofItsOwn, (await opened.evaluate()).loss],
      kinds: [saved.kind, svd.kind, existsSync(join(folder, "svd", "adapter_config.json"))],
      heldOut: await run.evaluate(),
      five: await run.evaluate(rows.slice(0, 5)),
      fromFile: (await run.evaluate(file)).rows,
      noTemplate: await refusal(run.chat("hello")),
    };
  },

  /** Stopped by a signal, resumed, and compared with a run that nobody stopped. */
  async stop() {
    const whole = fineTune(options("unstopped"));
    await whole.result;
    const controller = new AbortController();
    const run = fineTune(options("stopped", { signal: controller.signal }));
    const seen = await events(run, isStep(3));
    controller.abort("enough for now");
    const stopped = await run.result;
    const ends = (await events(run)).filter(({ type }) => type === "end");
    await run.close();
    const resumed = fineTune({ resume: run.folder });
    const result = await resumed.result;
    await resumed.close();
    await whole.close();
    return {
      seen: seen.length,
      stopped: {
        reason: stopped.reason,
        isBeforeEnd: stopped.step < 8,
        hasCheckpoint: stopped.checkpoint !== null,
      },
      ends,
      result: { reason: result.reason, step: result.step },
      tensors: [lastCheckpoint(run.folder), lastCheckpoint(whole.folder)],
    };
  },

  /** What is wrong with options and rows, and what is left of such a run. */
  async errors() {
    const misspelt = fineTune(
      options("misspelt", {
        // @ts-expect-error: no such key
        train: { step: 3 },
        method: { method: "lora", rnk: 3 },
      }),
    );
    const noModel = fineTune(options("no-model", { model: "no-owner/no-model" }));
    const badRow = fineTune(options("bad-row", { data: [...rows, { prompt: "x", completion: 3 }] }));
    const circular: { prompt: string; self?: unknown } = { prompt: "x" };
    circular.self = circular;
    const noJson = fineTune(options("no-json", { data: [circular] }));
    const already = fineTune(options("already", { signal: AbortSignal.abort(new Error("not at all")) }));
    const nothing = fineTune({ resume: join(folder, "nothing") });
    const runs = [misspelt, noModel, badRow, noJson, nothing];
    const messages = await Promise.all(runs.map((run) => refusal(run.result)));
    const looped = await refusal(events(badRow));
    const used = await refusal(badRow.generate("x"));
    await Promise.all(runs.map((run) => run.close()));
    return {
      messages,
      looped,
      used,
      afterClose: await refusal(badRow.evaluate()),
      already: await already.result.catch((error: Error) => error.message),
      left: existsSync(folder) ? readdirSync(folder) : [],
    };
  },

  /** Two runs at once, on one folder and on two. */
  async two() {
    const long = fineTune(options("long", { train: { steps: 4000 } }));
    const second = fineTune(options("long"));
    const refused = [await refusal(second.result)];
    await events(long, isStep(1));
    const third = fineTune({ resume: long.folder });
    refused.push(await refusal(third.result));
    await Promise.all([long, second, third].map((run) => run.close()));
    const first = fineTune(options("one"));
    const other = fineTune(options("other"));
    const unnamed = [1, 2].map(() => fineTune({ ...options(""), run: { folder } }));
    const results = await Promise.all([first, other, ...unnamed].map((run) => run.result));
    await Promise.all([first, other, ...unnamed].map((run) => run.close()));
    return {
      refused,
      reasons: results.map(({ reason, step }) => [reason, step]),
      names: unnamed.map((run) => basename(run.folder)),
      tensors: [lastCheckpoint(first.folder), lastCheckpoint(other.folder)],
    };
  },

  /** A thread that ends in the middle of its run, which is then resumed. */
  async dies() {
    process.env["DYING_RECORD"] = join(folder, "dies", "events.jsonl");
    const run = fineTune(
      options("dies", {
        method: "input-gain",
        plugins: [here("test/dying-plugin.ts")],
        train: { steps: 400 },
      }),
    );
    const error = await refusal(run.result);
    const state = listRuns(folder).map((each) => each.state);
    process.env["DYING_RECORD"] = "";
    const resumed = fineTune({ resume: run.folder });
    const seen = (await events(resumed, ({ type }) => type === "resume")).at(-1);
    const stopped = await resumed.stop();
    await Promise.all([run.close(), resumed.close()]);
    return { error, state, seen: seen?.type, reason: stopped.reason };
  },

  /** Leaves a block with `await using` while it trains. */
  async leaves() {
    const run = fineTune(options("left", { train: { steps: 4000 } }));
    await events(run, isStep(2));
    await run[Symbol.asyncDispose]();
    const opened = openRun(run.folder);
    const out = join(folder, "out", "merged");
    const closed = refusal(opened.save(out));
    await opened.close();
    return {
      closed: await closed,
      written: existsSync(join(folder, "out")) ? readdirSync(join(folder, "out")) : [],
      state: listRuns(folder).map((each) => each.state),
      files: readdirSync(run.folder).sort(),
    };
  },

  /** Stopped in each way while it loads its model. */
  async loading() {
    const isLoading = (event: FineTuneEvent) =>
      event.type === "activity" && event.what === "reading the weights of tiny";
    const ways: Readonly<Record<string, (run: FineTuneRun, stop: AbortController) => unknown>> = {
      abort: (_, stop) => stop.abort(new Error("not any more")),
      stop: (run) => run.stop(),
      close: (run) => run.close(),
    };
    const ends: string[] = [];
    for (const way of Object.values(ways)) {
      const stop = new AbortController();
      const run = fineTune(options("loading", { signal: stop.signal }));
      await events(run, isLoading);
      const ended = run.result.catch((error: Error) => error.message.split("\n", 1)[0] ?? "");
      await Promise.resolve(way(run, stop)).catch(() => {});
      ends.push(String(await ended));
      ends.push(...(existsSync(folder) ? readdirSync(folder) : []));
    }
    const again = fineTune(options("loading"));
    return { ends, reason: (await again.result).reason };
  },

  /** Ends without a chance to tidy up, in the middle of loading; then, called again, trains. */
  async killed() {
    const [runs = "", time] = process.argv.slice(4);
    const run = fineTune({ ...options(""), run: { folder: runs } });
    const isSecond = time === "again";
    await events(
      run,
      ({ type }) => type === "activity" && !isSecond && existsSync(join(run.folder, ".rows")),
    );
    if (!isSecond) process.kill(process.pid, "SIGKILL");
    await run.evaluate(rows.slice(0, 2));
    return { folders: readdirSync(runs), rows: readdirSync(join(run.folder, ".rows")) };
  },

  async exit() {
    await events(fineTune(options("exit", { train: { steps: 4000 } })), isStep(2));
    process.exit(7);
  },

  async throw() {
    await events(fineTune(options("throw", { train: { steps: 4000 } })), isStep(2));
    throw new Error("ends while it trains");
  },

  /** A run on chats with a system message, asked with and without it. */
  async chats() {
    const system = "Answer with the number.";
    const data = Array.from({ length: 12 }, (_, i) => ({
      messages: [
        { role: "system", content: system },
        { role: "user", content: `${i}?` },
        { role: "assistant", content: `${i}!` },
      ],
    }));
    const run = fineTune(options("chats", { model: process.argv[4] ?? "", data }));
    const user = { role: "user", content: "3?" };
    const settings = { maxTokens: 12 };
    const whole = await run.chat([{ role: "system", content: system }, user], settings);
    const out = join(folder, "chats.gguf");
    await run.export(out, { dtype: "q4_0", imatrix: true });
    const adapter = join(folder, "adapter.gguf");
    return {
      refused: await refusal(run.export(adapter, { as: "svd", rank: 1, imatrix: true })),
      answers: [await run.chat("3?", settings), await run.chat([user], settings), whole],
      others: await run.chat("3?", { ...settings, system: "" }),
      isExported: existsSync(out) && existsSync(join(folder, "chats.imatrix.gguf")),
    };
  },

  /** Nobody looks at a run that fails. */
  async unseen() {
    fineTune(options("unseen", { model: "no-such-model" }));
    return {};
  },
};

const report = await modes[mode]?.();
console.log(JSON.stringify(report));
