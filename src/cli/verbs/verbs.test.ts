import { Readable } from "node:stream";
import { expect, test } from "vitest";
import type { ModelTarget } from "../../assemble/model-target.ts";
import type { ExportRequest } from "../../export/export-request.ts";
import type { EvaluationRequest, RunEvaluation } from "../../inference/evaluation-request.ts";
import type { TaskRequest } from "../../inference/task-request.ts";
import type {
  ChatMessage,
  GenerationSummary,
  SamplingSettings,
  TextGenerator,
} from "../../inference/text-generator.ts";
import type { QuickstartEvent } from "../../quickstart/quickstart-result.ts";
import { refusal } from "../../testing/refusal.ts";
import { runVerb, testContext } from "../testing/terminal.ts";
import { addChat } from "./chat.ts";
import { addDoctor } from "./doctor.ts";
import { addEval } from "./eval.ts";
import { addExport } from "./export.ts";
import { addGenerate } from "./generate.ts";
import { addQuickstart } from "./quickstart.ts";

/** A folder that is there; the recipes are stand-ins. */
const model = "assets/tiny";
const target: ModelTarget = { path: model, dtype: "auto", device: "auto" };

const neverTasks = async () => {
  throw new Error("no tasks were asked for");
};

test("eval --tasks passes its options on and prints scores with their intervals", async () => {
  const { context, stdout, stderr } = testContext();
  const requests: TaskRequest[] = [];
  const summary = {
    task: "gsm8k",
    mode: "generate" as const,
    examples: 1319,
    metrics: [
      { metric: "flexible", value: 0.125, low: 0.1, high: 0.1504 },
      { metric: "strict", value: 0, low: 0, high: 0 },
    ],
    truncated: 2,
    unanswered: 3,
    unfinished: 4,
    reused: 5,
    data: "d/gsm8k.json",
    seconds: 90,
  };
  const load = async () => ({
    runEvaluation: neverTasks,
    runTasks: async (request: TaskRequest) => {
      requests.push(request);
      const checkpoint = { name: "step-000004", choice: "last" as const };
      return { tasks: [summary], render: "chat" as const, shots: 0, checkpoint };
    },
  });
  const add = (program: Parameters<typeof addEval>[0]) => addEval(program, context, load);
  await runVerb(add, [
    "eval",
    model,
    "--tasks",
    "gsm8k,boolq",
    "--data",
    "d",
    "--limit",
    "9",
    "--render",
    "chat",
    "--columns",
    "question=text",
  ]);
  const { shots, mode, beams, batch } = { shots: 0, mode: "generate", beams: 1, batch: 8 } as const;
  const tasks = ["gsm8k", "boolq"];
  const defaults = { target, shots, mode, beams, batch, predictions: undefined };
  const given = { data: ["d"], columns: { question: "text" }, limit: 9, render: "chat" };
  expect(requests).toEqual([{ ...defaults, tasks, ...given }]);
  expect(stdout.text).toMatch(/gsm8k +1,319 +flexible +12\.5 % +10\.0 – 15\.0 +1 min 30 s/);
  expect(stdout.text).toMatch(/\n +strict +0\.0 %/);
  expect(stderr.text).toBe(
    "checkpoint: step-000004 (last)\ngsm8k: generate, chat prompts, 0 shots, rows of d/gsm8k.json, 5 done before, 3 without an answer, 4 ended by the token limit, 2 prompts truncated on the left to fit the context\n",
  );
  for (const [args, says] of [
    [["--limit", "3"], "--limit needs --tasks"],
    [["--tasks", "gsm8k", "--format", "text"], "--format does not go with --tasks"],
    [["--tasks", "gsm8k", "--max-length", "9"], "--max-length does not go with --tasks"],
    [["--tasks", ","], "names no task"],
    [["--columns", "question"], "question=problem"],
    [["--tasks", "gsm8k", "--mode", "think"], "Allowed choices"],
    [["--tasks", "gsm8k", "--batch", "0"], "at least 1"],
  ] as const)
    await expect(runVerb(add, ["eval", model, ...args])).rejects.toThrow(says);
});

test.each([
  [
    ["--predictions", "kept.jsonl"],
    "SIGTERM: stopping; finished examples are in kept.jsonl (repeat to stop immediately)",
  ],
  [[], "SIGTERM: stopping; without --predictions no results are kept (repeat to stop immediately)"],
])("eval --tasks %j says what a signal leaves", async (args, says) => {
  const { context, stderr } = testContext();
  const runTasks = async (_: TaskRequest, { signal }: { signal: AbortSignal }): Promise<never> => {
    process.emit("SIGTERM");
    throw signal.reason;
  };
  const load = async () => ({ runEvaluation: neverTasks, runTasks });
  const command = ["eval", model, "--tasks", "gsm8k", "--data", "d", ...args];
  await expect(runVerb((program) => addEval(program, context, load), command)).rejects.toThrow("SIGTERM");
  expect(stderr.text).toContain(says);
});

test("eval passes its options on, ends its progress at the last batch, and prints loss and perplexity", async () => {
  const { context, stdout, stderr } = testContext();
  const requests: EvaluationRequest[] = [];
  const runEvaluation: RunEvaluation = async (request, { onProgress }) => {
    requests.push(request);
    for (const done of [0, 1, 2]) onProgress(done, 2);
    return {
      loss: 1,
      perplexity: Math.E,
      labelTokens: 1234,
      rows: 5,
      notes: ["1 of 6 rows dropped"],
      seconds: 2,
    };
  };
  const args = [
    "eval",
    model,
    "--data",
    "a.jsonl",
    "--data",
    "b.jsonl",
    "--max-length",
    "64",
    "--format",
    "alpaca",
  ];
  const load = async () => ({ runEvaluation, runTasks: neverTasks });
  await runVerb((program) => addEval(program, context, load), args);
  expect(requests).toEqual([{ target, data: ["a.jsonl", "b.jsonl"], format: "alpaca", maxLength: 64 }]);
  expect(stdout.text).toMatch(/perplexity +2\.7183/);
  expect(stderr.text).toBe("evaluated 0 of 2 batches\nevaluated 2 of 2 batches\n1 of 6 rows dropped\n");
  expect(stdout.text).toMatch(/label tokens +1,234/);
});

/** A generator that says its prompt back, word by word. */
function echo(
  seen: { settings?: Partial<SamplingSettings> | undefined; inputs: unknown[] },
  more: Partial<Pick<TextGenerator, "hasChatTemplate" | "checkpoint" | "systemPrompt">> = {},
): TextGenerator {
  return {
    hasChatTemplate: true,
    checkpoint: undefined,
    systemPrompt: undefined,
    ...more,
    async *generate(
      input: string | readonly ChatMessage[],
      settings,
    ): AsyncGenerator<string, GenerationSummary> {
      seen.settings = settings;
      seen.inputs.push(structuredClone(input));
      const text = typeof input === "string" ? input : (input.at(-1)?.content ?? "");
      for (const word of text.split(" ")) yield `${word}! `;
      return { promptTokens: 3, tokens: 2, reason: "end", seconds: 1 };
    },
    dispose() {},
    [Symbol.dispose]() {},
  };
}

test("generate streams to stdout and sums up on stderr", async () => {
  const { context, stdout, stderr } = testContext();
  const seen: { settings?: SamplingSettings; inputs: unknown[] } = { inputs: [] };
  const load = async () => ({ openGenerator: async () => echo(seen) });
  const args = ["generate", model, "to be", "--temperature", "0.7", "--top-p", "0.9", "--stop", "x"];
  await runVerb((program) => addGenerate(program, context, load), args);
  expect(stdout.text).toBe("to! be! \n");
  expect(stderr.text).toContain("2 tokens in 1.0 s (2.0 tok/s), ended by end");
  expect(seen.settings).toEqual({
    maxTokens: 256,
    temperature: 0.7,
    topK: undefined,
    topP: 0.9,
    seed: 0,
    stop: ["x"],
  });
});

test.each([
  [[], "a!b! \n"],
  [["--raw"], "a\x1b[2J!b\u202e! \n"],
])("generate leaves out a model's escape sequences, unless it is asked for them: %j", async (more, text) => {
  const { context, stdout } = testContext();
  const load = async () => ({ openGenerator: async () => echo({ inputs: [] }) });
  const args = ["generate", model, "a\x1b[2J b\u202e", ...more];
  await runVerb((program) => addGenerate(program, context, load), args);
  expect(stdout.text.replaceAll("! ", "!")).toBe(text.replaceAll("! ", "!"));
});

test("results as JSON have no control characters, and are the same once read", () => {
  const { context, stdout } = testContext();
  const value = { "\u202e": "a\x1b[2J\x9b1m\x7f" };
  context.json(value);
  expect(stdout.text.replaceAll("\n", "")).toMatch(/^[\x20-\x7e]*$/);
  expect(JSON.parse(stdout.text)).toEqual(value);
});

test("generate --json --chat prints one object and uses the chat template", async () => {
  const { context, stdout } = testContext();
  const seen: { inputs: unknown[] } = { inputs: [] };
  const load = async () => ({ openGenerator: async () => echo(seen) });
  await runVerb(
    (program) => addGenerate(program, context, load),
    ["generate", model, "hi", "--chat", "--json"],
  );
  expect(JSON.parse(stdout.text)).toMatchObject({ prompt: "hi", text: "hi! ", tokens: 2, reason: "end" });
  expect(seen.inputs).toEqual([[{ role: "user", content: "hi" }]]);
});

test("chat keeps the conversation, starts over with /reset and ends with /exit", async () => {
  const { context, stdout, stderr } = testContext();
  const seen: { inputs: unknown[] } = { inputs: [] };
  const checkpoint = { name: "step-000004", choice: "best saved", warning: "an older one" } as const;
  const load = async () => ({ openGenerator: async () => echo(seen, { checkpoint }) });
  const input = Readable.from(["one\n", "two\n", "/reset\n", "three\n", "/exit\n", "four\n"]);
  await runVerb((program) => addChat(program, context, load, input), ["chat", model, "--system", "be kind"]);
  const system = { role: "system", content: "be kind" };
  const user = (content: string) => ({ role: "user", content });
  expect(seen.inputs).toEqual([
    [system, user("one")],
    [system, user("one"), { role: "assistant", content: "one! " }, user("two")],
    [system, user("three")],
  ]);
  expect(stdout.text).toBe("one! \ntwo! \nthree! \n");
  expect(stderr.text).toBe("checkpoint: step-000004 (best saved)\nwarning: an older one\n");
});

test.each([
  { more: [], used: "of the training", note: 'system message: "of the training" (as in training)\n' },
  { more: ["--system", "be kind"], used: "be kind", note: "" },
  { more: ["--system", ""], used: undefined, note: "" },
])(
  "chat with a run begins with its training's system message, unless one is given: $more",
  async ({ more, used, note }) => {
    const { context, stderr } = testContext();
    const seen: { inputs: unknown[] } = { inputs: [] };
    const load = async () => ({ openGenerator: async () => echo(seen, { systemPrompt: "of the training" }) });
    await runVerb(
      (program) => addChat(program, context, load, Readable.from(["one\n"])),
      ["chat", model, ...more],
    );
    const system = used === undefined ? [] : [{ role: "system", content: used }];
    expect(seen.inputs).toEqual([[...system, { role: "user", content: "one" }]]);
    expect(stderr.text).toBe(note);
  },
);

test("chat refuses a model without a chat template", async () => {
  const { context } = testContext();
  const load = async () => ({ openGenerator: async () => echo({ inputs: [] }, { hasChatTemplate: false }) });
  await expect(runVerb((program) => addChat(program, context, load), ["chat", model])).rejects.toThrow(
    refusal("usage", { message: "chat template", fix: "scalora generate" }),
  );
});

test("export passes its request on", async () => {
  const { context, stdout } = testContext();
  const requests: ExportRequest[] = [];
  const runExport = async (request: ExportRequest) => {
    requests.push(request);
    return { out: request.out, kind: request.kind, bytes: 2048, retainedEnergy: 0.991, rank: 16 };
  };
  const add = (program: Parameters<typeof addExport>[0]) =>
    addExport(program, context, async () => ({ runExport }));
  await runVerb(add, ["export", model, "--as", "svd", "--energy", "0.99", "--out", "/tmp/scalora-none/out"]);
  expect(requests[0]).toMatchObject({
    kind: "svd",
    energy: 0.99,
    out: "/tmp/scalora-none/out",
    target: { path: model },
  });
  expect(stdout.text).toMatch(/kept +99\.10 %/);
  for (const [args, says] of [
    [["--as", "svd"], /--rank or --energy[\s\S]*fix: +--rank 16/],
    [["--as", "svd", "--rank", "4", "--energy", "0.9"], "--rank or --energy"],
    [["--rank", "4"], "need --as svd"],
    [["--as", "adapter", "--dtype", "bfloat16"], "--dtype needs --as merged"],
    [["--system", "be kind"], "--system needs --format gguf"],
  ] as const) {
    await expect(runVerb(add, ["export", model, "--out", "/tmp/scalora-none/out", ...args])).rejects.toThrow(
      says,
    );
  }
  const gguf = ["--format", "gguf", "--system", "be kind"];
  await runVerb(add, ["export", model, "--out", "/tmp/scalora-none/out", ...gguf]);
  expect(requests[1]).toMatchObject({ format: "gguf", systemPrompt: "be kind" });
  await expect(runVerb(add, ["export", model, "--out", "/tmp"])).rejects.toThrow(
    /already exists[\s\S]*fix: +choose another --out, or remove it/,
  );
});

test.each([
  [["generate", "m", "x", "--temperature", "-1"], "at least 0"],
  [["generate", "m", "x", "--top-p", "2"], "at most 1"],
  [["generate", "m", "x", "--max-tokens", "1.5"], "an integer"],
  [["generate", "m", "x", "--seed", "much"], "an integer"],
  [["generate", "m", "x", "--dtype", "int8"], "Allowed choices"],
])("refused: %j", async (args, says) => {
  const { context } = testContext();
  const load = async () => ({ openGenerator: async () => echo({ inputs: [] }) });
  await expect(runVerb((program) => addGenerate(program, context, load), args)).rejects.toThrow(says);
});

test("doctor prints each finding with its cure and fails when something is missing", async () => {
  const { context, stdout } = testContext();
  const look = async () => [
    { name: "Node", status: "ok" as const, found: "v20" },
    { name: "C++ compiler", status: "missing" as const, found: "none", cure: "apt-get install g++" },
  ];
  await runVerb((program) => addDoctor(program, context, look), ["doctor"]);
  expect(stdout.text).toContain("missing  C++ compiler: none\n         fix: apt-get install g++");
  expect(stdout.text).toContain("1 missing.");
  expect(context.exitCode).toBe(1);
});

test("quickstart draws its phases and ends with the commands to try", async () => {
  const { context, stdout, stderr } = testContext();
  const row = {
    method: "lora",
    count: 48,
    exact: { value: 0.915, low: 0.88, high: 0.94 },
    parts: { value: 0.987, low: 0.97, high: 1 },
    loss: 0.3,
    trainable: 1234,
    seconds: 9,
    memory: 2 ** 28,
    rank: 4,
  };
  const load = async () => ({
    runQuickstart: async (_options: object, { onEvent }: { onEvent(event: QuickstartEvent): void }) => {
      onEvent({ type: "phase", title: "Training with LoRA" });
      const answer = { question: `2+2${" ".repeat(100)}=`, expected: "4", text: "7\nor 8", isExact: false };
      onEvent({ type: "answers", when: "before training", withQuestions: true, answers: [answer] });
      const right = { ...answer, text: "4", isExact: true };
      onEvent({ type: "answers", when: "lora, step 3 of 9", withQuestions: false, answers: [right] });
      const { exact, parts } = row;
      return {
        names: { item: "sentences", part: "words" },
        before: { count: 16, exact, parts, loss: 9 },
        rows: [row],
        samples: [{ prompt: "2+2=", expected: "4", before: "7", after: [{ method: "lora", output: "4" }] }],
        report: "runs/quickstart/report.html",
        exported: "runs/quickstart/model",
        seconds: 30,
        remark: "One seed says little.",
        next: ["scalora ls recipes"],
      };
    },
  });
  await runVerb((program) => addQuickstart(program, context, load), ["quickstart", "--tiny"]);
  expect(stderr.text).toContain("Training with LoRA");
  expect(stderr.text).toContain("from the test, before training:\n1. 2+2");
  expect(stderr.text).toContain(
    "   wanted 4\n   wrong  7 or 8\nfrom the test, lora, step 3 of 9:\n1. right  4\n",
  );
  for (const line of stderr.text.split("\n")) expect(line.length).toBeLessThan(100);
  expect(stdout.text).toMatch(
    /lora +91\.5 % \[88, 94\] +98\.7 % \[97, 100\] +0\.3000 +1,234 +9\.0 s +256\.0 MiB +4\.0/,
  );
  expect(stdout.text).toMatch(/^before \(16 sentences\) +91\.5 %/m);
  expect(stdout.text).toContain("One seed says little.");
  expect(stdout.text).toContain("  scalora ls recipes");
});
