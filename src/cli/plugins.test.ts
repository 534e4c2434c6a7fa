import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { ConfigError, loadPlugins, loadRecipe } from "../config/index.ts";
import { runTraining } from "../recipes/run-training.ts";
import { runChild } from "../testing/child-process.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { setThreads } from "../torch/index.ts";
import { listCheckpoints } from "../train/checkpoints/read-checkpoint.ts";
import { printedFailure } from "./testing/printed-failure.ts";
import { runScalora, scaloraJson } from "./testing/scalora.ts";

const plugin = fileURLToPath(new URL("../../examples/input-gain/input-gain.ts", import.meta.url));
const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
afterAll(scratch.remove);

/** A recipe of the method from outside. @returns the file's path */
function recipe(name: string, sections: object = {}): string {
  const whole = {
    plugins: [plugin],
    model: { path: at("model"), device: "cpu" },
    adapter: { method: "input-gain", ratio: 2 },
    data: { train: at("rows.jsonl"), eval: { holdOut: 4 } },
    train: { steps: 6, batchSize: 4, evalEvery: 3, saveEvery: 3 },
    run: { folder: at("runs"), samples: 0 },
    ...sections,
  };
  writeFileSync(at(`${name}.yaml`), stringify(whole));
  return at(`${name}.yaml`);
}

beforeAll(() => {
  setThreads(1);
  writeTinyLlama(at("model"));
  const rows = Array.from({ length: 12 }, (_, i) =>
    JSON.stringify({ prompt: `${i}?`, completion: ` ${i}!` }),
  );
  writeFileSync(at("rows.jsonl"), rows.join("\n"));
});

/** The result of `scalora train`. */
async function trained(...args: string[]) {
  const { code, stdout, stderr } = await runScalora("train", ...args, "--json");
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

/** What a run's last checkpoint holds, but for times. */
function lastCheckpoint(run: string): unknown {
  const last = listCheckpoints(join(run, "checkpoints")).at(-1) ?? expect.fail("no checkpoint");
  const { files } = JSON.parse(readFileSync(join(last.path, "manifest.json"), "utf8"));
  delete files["state.json"];
  return { step: last.step, files };
}

test("a recipe's plugin trains, is evaluated and exported as every method, and resumes bit for bit", async () => {
  const path = recipe("whole");
  const whole = await trained(path, "--set", "run.name=whole");
  expect(whole).toMatchObject({ reason: "finished", step: 6 });
  const saved = parse(readFileSync(join(whole.folder, "config.yaml"), "utf8"));
  expect(saved).toMatchObject({ plugins: [plugin], train: { lr: 5e-3 }, adapter: { ratio: 2 } });
  const { loss } = await scaloraJson("eval", whole.folder);
  expect(loss).toBeCloseTo(whole.bestEvalLoss, 6);
  expect(await runScalora("export", whole.folder, "--out", at("merged"))).toMatchObject({ code: 0 });

  const set = ["run.name=parts"];
  await loadPlugins(path, { set });
  const stop = new AbortController();
  const cut = await runTraining(loadRecipe(path, { set }), {
    signal: stop.signal,
    onEvent: (event) => {
      if (event.type === "step" && event.step === 2) stop.abort("test");
    },
  });
  expect(cut).toMatchObject({ reason: "stopped", step: 2 });
  expect(await trained("--resume", cut.folder)).toMatchObject({ step: 6 });
  expect(lastCheckpoint(cut.folder)).toEqual(lastCheckpoint(whole.folder));
});

test("a plug-in of a run that somebody has sent is not run, unless a recipe names it on this machine", async () => {
  const { folder } = await trained(recipe("sent"), "--set", "run.name=sent", "--set", "train.steps=1");
  const [evil, config, mark] = [at("evil.mjs"), join(folder, "config.yaml"), at("has-run")];
  writeFileSync(
    evil,
    `import { writeFileSync } from "node:fs";\nwriteFileSync(${JSON.stringify(mark)}, "");`,
  );
  writeFileSync(config, readFileSync(config, "utf8").replace(plugin, evil));
  for (const args of [
    ["train", "--resume", folder],
    ["eval", folder],
    ["generate", folder, "hello"],
    ["chat", folder],
    ["analyze", folder],
    ["export", folder, "--out", at("sent-merged")],
  ]) {
    expect(printedFailure(await runScalora(...args)), args[0]).toMatchObject({
      code: 2,
      message: expect.stringContaining("no recipe has named here"),
      where: `${config}:2`,
      found: evil,
      fix: expect.stringContaining(`npx scalora check ${config}`),
    });
  }
  expect(existsSync(mark)).toBe(false);

  // Whoever names it in a recipe runs it, and then the run is opened: here it exports no method.
  expect(await runScalora("check", config)).toMatchObject({ code: 2 });
  expect(existsSync(mark)).toBe(true);
  const opened = printedFailure(await runScalora("eval", folder));
  expect(opened.message).toContain("exports no method");

  // Another version of it is another plug-in.
  appendFileSync(evil, "// changed");
  const changed = printedFailure(await runScalora("eval", folder));
  expect(changed).toMatchObject({
    message: expect.stringContaining("no recipe has named here"),
    found: evil,
  });
}, 120_000);

test("compare runs it beside the methods of the package", async () => {
  const { code, stdout, stderr } = await runChild(
    new URL("testing/run-main.ts", import.meta.url),
    ...["compare", recipe("compared"), "--out", at("compared"), "--json", "--seeds", "0"],
    ...["--methods", "input-gain+ratio=3,lora+rank=2", "--lrs", "1e-3"],
  );
  expect(code, stderr).toBe(0);
  const { rows } = JSON.parse(stdout);
  expect(rows).toMatchObject([{ setting: "input-gain+ratio=3" }, { setting: "lora+rank=2" }]);
});

test.each<[string, string | undefined, object]>([
  ["no-file.mjs", undefined, { key: "plugins[0]", problem: "does not exist" }],
  ["empty.mjs", "export const answer = 42;", { key: "plugins[0]", problem: /empty\.mjs exports no method/ }],
  ["broken.mjs", "export default {", { key: "plugins[0]", problem: /broken\.mjs cannot be imported/ }],
])("a plugin that cannot be used is named: %s", async (name, text, issue) => {
  if (text !== undefined) writeFileSync(at(name), text);
  const path = recipe("bad", { plugins: [at(name)] });
  expect(printedFailure(await runScalora("train", path))).toMatchObject({ code: 2, where: `${path}:2` });
  const matching = Object.fromEntries(
    Object.entries(issue).map(([key, value]) => [
      key,
      value instanceof RegExp ? expect.stringMatching(value) : value,
    ]),
  );
  await expect(openRecipe(path)).rejects.toMatchObject({
    issues: expect.arrayContaining([expect.objectContaining(matching)]),
  });
});

async function openRecipe(path: string): Promise<void> {
  await loadPlugins(path);
  loadRecipe(path);
}

test("a plugin whose method's name is taken is refused, and the method named", async () => {
  writeFileSync(at("taken.mjs"), 'export const mine = { name: "lora", schema: {}, attach() {} };');
  const result = await runScalora("train", recipe("taken", { plugins: [at("taken.mjs")] }));
  expect(printedFailure(result)).toMatchObject({ code: 2, where: "method lora" });
});

test("a recipe whose plugins were not loaded says so; a list that is none is a wrong value", () => {
  writeFileSync(at("unloaded.mjs"), "");
  const issuesOf = (plugins: unknown) => {
    try {
      loadRecipe(recipe("unloaded", { plugins }));
    } catch (error) {
      if (error instanceof ConfigError) return error.issues;
    }
    return expect.fail("no ConfigError");
  };
  expect(issuesOf([at("unloaded.mjs")])).toMatchObject([{ key: "plugins[0]", problem: "is not loaded" }]);
  expect(issuesOf(at("unloaded.mjs"))).toMatchObject([{ key: "plugins", problem: "wrong value" }]);
});
