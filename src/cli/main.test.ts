import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { RunFolder } from "../run/run-folder.ts";
import { ScaloraError } from "../util/errors.ts";
import { Interruption } from "../util/interruption.ts";
import { main } from "./main.ts";
import { reportFailure } from "./report-failure.ts";
import { printedFailure } from "./testing/printed-failure.ts";
import { CapturedStream, testContext } from "./testing/terminal.ts";

const scalora = (...args: string[]) => scaloraIn({}, ...args);

async function scaloraIn(env: NodeJS.ProcessEnv, ...args: string[]) {
  const stdout = new CapturedStream();
  const stderr = new CapturedStream();
  const code = await main(args, {
    stdout,
    stderr,
    env,
    prepareEngine: () => Promise.reject(new Error("loaded")),
  });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

test("help and version are results", async () => {
  const help = await scalora("--help");
  expect(help.code).toBe(0);
  expect(help.stdout).toMatchInlineSnapshot(`
    "Usage: scalora [options] [command]

    Fine-tune language models with high-rank, low-cost adapters, on libtorch.

    Options:
      -V, --version                        output the version number
      --verbose                            print the stack of an error
      -h, --help                           display help for command

    Commands:
      quickstart [options]                 fine-tune smollm2-135m-instruct with LoRA and ScaLoRA-I, and
                                           compare them
      init [options]                       write a commented recipe for a model and a data file, whose
                                           format is recognised
      check [options] <recipe>             try a recipe without writing anything: errors, parameters,
                                           memory, disk, time of three steps
      train [options] [recipe]             fine-tune a model with a recipe
      data [options] <recipe>              show a recipe's rows as the model sees them: what is trained
                                           on, lengths, dropped rows
      compare [options] <recipe>           train one recipe with several methods and compare them
                                           fairly; finished runs are not repeated
      diff [options] <run> <other-run>     what differs between two runs: recipe, versions, machine,
                                           model, data, losses, results
      analyze [options] <run>              ranks, gradients and scaling of a finished run: the figures
                                           of the ScaLoRA paper
      board [options] [folder]             show runs in the browser as they train: curves, samples,
                                           buttons to pause and stop
      eval [options] <model>               loss, and perplexity or accuracy, or scores on tasks, of a
                                           model or a run's best checkpoint
      generate [options] <model> <prompt>  continue a prompt; the text streams to stdout
      chat [options] <model>               talk to a model; one line is one message, /reset starts over,
                                           /exit or Ctrl-D ends
      export [options] <model>             export a trained model or adapter as a folder or GGUF file
                                           for other tools
      get [options] [name]                 download a model by name, or by its ID on the Hugging Face
                                           hub; without a name list the known models
      launch [options] <command...>        run a command as several processes on this machine, with
                                           torchrun's variables
      convert [options] <in> <out>         write the model of a GGUF file as a Hugging Face folder
      ls [options]                         list methods, models, tasks, recipes or runs
      doctor [options]                     check the installation: what is ready, what is missing, and
                                           how to fix it
      setup [options]                      find or download libtorch and compile the addon (commands
                                           that need them do this automatically)
      completion [options] <shell>         print a script for bash, zsh or fish that completes commands,
                                           options, recipes and runs
      help [command]                       display help for command
    "
  `);
  expect(help.stderr).toBe("");
  expect((await scalora("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test.each([
  [["trian"], "unknown command"],
  [["ls", "methods", "--nonsense"], "unknown option"],
  [["ls", "mthods"], "methods"],
  [[], "Usage: scalora"],
])("bad usage ends with 2: %j", async (args, says) => {
  const { code, stdout, stderr } = await scalora(...args);
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toContain(says);
});

test("listings need no engine and speak JSON", async () => {
  const methods = await scalora("ls", "methods");
  expect(methods.code).toBe(0);
  expect(methods.stdout).toMatch(/^scalora-i /m);
  const json = await scalora("ls", "methods", "--json");
  expect(JSON.parse(json.stdout).map(({ method }: { method: string }) => method)).toContain("full");
  expect(JSON.parse((await scalora("ls", "models", "--json")).stdout)).toContainEqual({ family: "llama" });
  const empty = await scalora("ls", "runs", "docs");
  expect(empty).toMatchObject({ code: 0, stdout: "", stderr: "none\n" });
  const none = await scalora("ls", "runs", "/nowhere/at/all");
  expect(none).toMatchObject({ code: 2, stdout: "" });
  expect(none.stderr).toContain("There is no folder /nowhere/at/all");
});

test("the folders of tasks are a list in JSON and words in a table", async () => {
  const tasks = JSON.parse((await scalora("ls", "tasks", "--json")).stdout);
  const boolq = { task: "boolq", folders: ["boolq", "BoolQ"], columns: expect.arrayContaining(["answer"]) };
  expect(tasks).toContainEqual(expect.objectContaining(boolq));
  expect((await scalora("ls", "tasks")).stdout).toMatch(/^boolq +decoder +boolq or BoolQ +BoolQ:/m);
});

test("GLUE's tasks are listed for encoders", async () => {
  const tasks: { task: string; model: string }[] = JSON.parse(
    (await scalora("ls", "tasks", "--json")).stdout,
  );
  const ofEncoders = tasks.filter(({ model }) => model === "encoder").map(({ task }) => task);
  expect(ofEncoders).toEqual(["cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte"]);
  expect(tasks).toContainEqual(
    expect.objectContaining({ task: "mrpc", columns: ["#1 String", "#2 String", "Quality"] }),
  );
});

test("runs show the score by which one is the best", async () => {
  const folder = mkdtempSync(join(tmpdir(), "scalora-ls-"));
  try {
    const run = RunFolder.create(join(folder, "cola"), "x");
    const numbers = {
      step: 4,
      totalSteps: 9,
      loss: 1.5,
      evalLoss: 2,
      bestEvalLoss: 2,
      bestScore: 0.5125,
      bestStep: 4,
    };
    const none = { lr: null, tokensPerSecond: null, memory: null, remaining: null, message: null };
    run.writeStatus({ ...numbers, ...none, state: "finished", method: "lora", model: "m" });
    run.close();
    expect((await scalora("ls", "runs", folder)).stdout).toMatch(
      /best held-out +score +updated\ncola .* 2\.0000 +51\.25 %/,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a run of a newer scalora is shown as such", async () => {
  const folder = mkdtempSync(join(tmpdir(), "scalora-ls-"));
  try {
    const run = RunFolder.create(join(folder, "a"), "x");
    run.close();
    writeFileSync(run.file("status.json"), '{"version": 2}');
    const { code, stdout, stderr } = await scalora("ls", "runs", folder);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^a +newer +–/m)]);
    expect(stderr).toContain("1 run written by a newer scalora; to read it:");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each(["eval", "generate", "chat", "export"])(
  "%s: a mistyped model is told before anything is set up",
  async (verb) => {
    const more = new Map([
      ["generate", ["hello"]],
      ["export", ["--as", "merged", "--out", "/nowhere/out"]],
    ]);
    const result = await scalora(verb, "src/modles", ...(more.get(verb) ?? []));
    expect(printedFailure(result)).toMatchObject({
      code: 2,
      where: expect.stringContaining("src/modles"),
      fix: expect.stringContaining("did you mean src/models?"),
    });
  },
);

test("the beginning of a listed model's name is led to the name, one sentence after another", async () => {
  const { fix } = printedFailure(await scalora("generate", "smollm2-135m", "hello"));
  expect(fix).toMatch(/^did you mean smollm2-135m-instruct\? `npx scalora /);
});

test.each([
  ["--out", ["analyze", "run", "--out", ""]],
  ["--out", ["compare", "recipe.yaml", "--out", ""]],
  ["--out, --predictions", ["eval", "model", "--out", ""]],
  ["--out", ["export", "model", "--out="]],
  ["--out", ["init", "--out", ""]],
  ["--out", ["quickstart", "--out", ""]],
  ["out", ["convert", "model.gguf", ""]],
  ["model", ["generate", "", "hello"]],
  ["--set", ["train", "recipe.yaml", "--set", "train.steps=3", "--set", ""]],
  ["--stop", ["chat", "model", "--stop", ""]],
])("an empty %s is told before anything is set up: %j", async (name, args) => {
  expect(printedFailure(await scalora(...args))).toMatchObject({
    code: 2,
    message: `${name} is empty`,
    expected: expect.stringMatching(/\w/),
    found: '""',
  });
});

test("an empty prompt and an empty system message come as far as others", async () => {
  for (const args of [
    ["generate", "assets/tiny", ""],
    ["chat", "assets/tiny", "--system", ""],
  ])
    expect(printedFailure(await scalora(...args))).toMatchObject({
      message: expect.stringContaining("loaded"),
    });
});

test("a bad recipe ends with 2 before anything is set up", async () => {
  const { code, stdout, stderr } = await scalora("train", "/nowhere/recipe.yaml", "--set", "train.lr=1");
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^error: \/nowhere\/recipe.yaml has 1 problem\n/);
  expect(stderr).not.toContain("    at ");
});

test("our errors print without a stack, with --verbose with it and its causes", () => {
  const error = new ScaloraError("data", "A row is broken", {
    where: "a.jsonl:3",
    cause: new Error("inner cause"),
  });
  const quiet = testContext();
  expect(reportFailure(error, quiet.context, false)).toBe(2);
  expect(quiet.stderr.text).toBe("error: A row is broken\n  where:    a.jsonl:3\n");
  const verbose = testContext();
  reportFailure(error, verbose.context, true);
  expect(verbose.stderr.text).toContain("inner cause");
  expect(verbose.stderr.text).toMatch(/\n {4}at /);
});

test("exit codes: runs 1, foreign errors 1 and called internal, signals as shells count them", () => {
  const { context, stderr } = testContext();
  expect(reportFailure(new ScaloraError("run", "diverged"), context, false)).toBe(1);
  expect(reportFailure(new TypeError("x is not a function"), context, false)).toBe(1);
  expect(stderr.text).toContain("internal: x is not a function");
  expect(reportFailure(new Interruption("SIGINT"), context, false)).toBe(130);
  expect(reportFailure(new Interruption("SIGTERM"), context, false)).toBe(143);
});

test("a signal asks the task to stop and decides the exit code", async () => {
  const { context, stderr } = testContext();
  await context.interruptible(async (signal) => {
    process.emit("SIGTERM");
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toBeInstanceOf(Interruption);
  }, "stopping after this page");
  expect(stderr.text).toBe("\nSIGTERM: stopping after this page\n");
  expect(context.exitCode).toBe(143);
});

test("of several ranks the first says an error in full, the others in a line", async () => {
  const ranks = { WORLD_SIZE: "2", MASTER_ADDR: "localhost", MASTER_PORT: "1" };
  const [first, second] = await Promise.all(
    ["0", "1"].map((RANK) => scaloraIn({ ...ranks, RANK }, "generate", "model", "text")),
  );
  expect(printedFailure(first ?? expect.fail())).toMatchObject({
    code: 2,
    found: "generate on several ranks",
  });
  expect(second?.stderr).toMatch(/^error: This command is for one process; .*fix: .*\n$/);
  expect(await scaloraIn({ ...ranks, RANK: "1" }, "ls", "methods")).toMatchObject({ code: 0 });
});
