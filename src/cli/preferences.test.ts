import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadRecipe } from "../config/index.ts";
import { readEvents } from "../run/read-events.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { capitalRows, writeTinyProject } from "../testing/tiny-trained-run.ts";
import { printedFailure } from "./testing/printed-failure.ts";
import { runScalora, scaloraJson } from "./testing/scalora.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
afterAll(scratch.remove);

const pairs: { prompt: string; completion: string }[] = capitalRows(20)
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));
const jsonl = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

beforeAll(() => {
  writeTinyProject(scratch.path);
  const judged = pairs.flatMap((row) => [
    { ...row, label: true },
    { ...row, completion: "no", label: false },
  ]);
  writeFileSync(at("kto.jsonl"), jsonl(judged));
  const preferred = pairs.map(({ prompt, completion }, i) => ({
    prompt,
    chosen: completion,
    rejected: i === 0 ? completion : "no",
  }));
  writeFileSync(at("dpo.jsonl"), jsonl(preferred));
});

const draft = (data: string) =>
  runScalora("init", "--model", at("model"), "--data", at(`${data}.jsonl`), "--out", at(`${data}.yaml`));

test.each([
  ["kto", "unpaired-preference", 20],
  ["dpo", "preference", 20],
])(
  "%s: init, data, check and train say what is left out, and count what is trained on",
  async (data, format, rejected) => {
    const made = await draft(data);
    expect(made).toMatchObject({ code: 0 });
    expect(made.stdout).toMatch(new RegExp(`format ${format}: .* left out`));
    const recipe = at(`${data}.yaml`);
    expect(loadRecipe(recipe).data).toMatchObject({ format, render: "chat" });
    const shown = await runScalora("data", recipe, "--rows", "1");
    expect(shown.stdout).toMatch(/^left out +20 rejected answers$/m);
    expect(shown.stdout).toMatch(/^trained on +19 rows$/m);
    const checked = await scaloraJson("check", recipe);
    expect(checked).toMatchObject({ ok: true, run: { data: { rows: 19, heldOut: 1 } } });
    expect(checked.warnings).toContainEqual(
      expect.stringMatching(/^20 rejected answers of \d+ rows left out$/),
    );
    const note = "in 1 row the chosen and the rejected answer are equal";
    expect(checked.warnings.includes(note)).toBe(data === "dpo");
    const settings = ["--set", `run.folder=${at("runs")}`, "--set", `run.name=${data}`];
    const trained = await runScalora("train", recipe, ...settings, "--set", "train.steps=1");
    expect(trained.code).toBe(0);
    expect(trained.stderr).toContain("19 rows");
    const [start] = readEvents(at("runs", data)).filter(({ type }) => type === "start");
    expect(start).toMatchObject({ data: { rows: 19, heldOut: 1, rejected, dropped: [] } });
  },
);

test.each([
  ["kto", "unpaired-preference"],
  ["dpo", "preference"],
])(
  "%s: without its format the file is refused by train, data and check, with the format to set",
  async (data, format) => {
    await draft(data);
    for (const verb of ["train", "data", "check"]) {
      const result = await runScalora(verb, at(`${data}.yaml`), "--set", "data.format=auto");
      expect(result.code, verb).toBe(2);
      expect(result.stderr + result.stdout, verb).toContain(`data.format: ${format}`);
    }
  },
);

test("grades are refused where the format is not named", async () => {
  writeFileSync(at("graded.jsonl"), jsonl(pairs.map((row, i) => ({ ...row, score: i }))));
  const made = await draft("graded");
  expect(made.stdout).toContain("all rows are trained on alike, whatever their score");
  const refused = await runScalora("data", at("graded.yaml"), "--set", "data.format=auto");
  expect(printedFailure(refused)).toMatchObject({
    code: 2,
    fix: expect.stringContaining("prompt-completion"),
  });
});
