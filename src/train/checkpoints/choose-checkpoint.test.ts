import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { refusal } from "../../testing/refusal.ts";
import { temporaryFolder, tinyRun } from "../../testing/tiny-run.ts";
import { train } from "../trainer.ts";
import { chooseCheckpoint } from "./choose-checkpoint.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

/** Six steps that learn nothing after the second: the best checkpoint is the second, the last the sixth. */
async function makeRun(evaluated = true): Promise<string> {
  const path = join(folder.path, "run");
  const run = tinyRun({ steps: 6, evalEvery: 2, saveEvery: 2, keepLast: 2 }, { folder: path, adapter: lora });
  const schedule = { ...run.options.schedule, lrAt: (step: number) => (step <= 2 ? 0.01 : 0) };
  const { evalBatches: _, ...unevaluated } = run.options;
  await train({ ...(evaluated ? run.options : unevaluated), schedule });
  run.dispose();
  return path;
}
const lora = { method: "lora", rank: 2, targetModules: ["mix"] } as const;
const chosen = (run: string, name?: string) => basename(chooseCheckpoint(run, name).path);

test("last, best and names choose a checkpoint; the best is the default where there is one", async () => {
  const run = await makeRun();
  expect(chosen(run)).toBe("step-000002");
  expect(chosen(run, "best")).toBe("step-000002");
  expect(chosen(run, "last")).toBe("step-000006");
  expect(chosen(run, "step-000004")).toBe("step-000004");
  expect(() => chosen(run, "step-000003")).toThrow(
    refusal("config", { expected: "step-000002, step-000004, step-000006", found: "step-000003" }),
  );
  writeFileSync(join(run, "checkpoints/step-000006/state.json"), "");
  expect(() => chosen(run, "step-000006")).toThrow(
    refusal("format", { where: /step-000006$/, found: /^state\.json has 0 bytes/ }),
  );
  // Not silently another one than was meant.
  for (const name of [undefined, "best", "last"])
    expect(() => chosen(run, name)).toThrow(
      refusal("format", { where: /step-000006$/, fix: /--checkpoint step-000004.*--resume/ }),
    );
  expect(chosen(run, "step-000004")).toBe("step-000004");
});

test("it is said which one is used, and when that of the best evaluation was never saved", async () => {
  const run = await makeRun();
  expect(chooseCheckpoint(run)).toMatchObject({ choice: "best", warning: undefined });
  expect(chooseCheckpoint(run, "last")).toMatchObject({ choice: "last", warning: undefined });
  const file = join(run, "status.json");
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), bestStep: 5 }));
  for (const name of [undefined, "best"])
    expect(chooseCheckpoint(run, name)).toMatchObject({
      step: 2,
      choice: "best saved",
      warning: expect.stringMatching(/step 5,.* step-000002 /),
    });
  expect(chooseCheckpoint(run, "step-000002")).toMatchObject({ choice: "chosen", warning: undefined });
});

test("without an evaluation the default is the last one, and best is refused", async () => {
  const run = await makeRun(false);
  expect(chosen(run)).toBe("step-000006");
  expect(() => chosen(run, "best")).toThrow(
    refusal("config", { expected: "step-000004, step-000006", found: /^best,/ }),
  );
});

test("when the checkpoint of the best evaluation is gone, that is what is said", async () => {
  const run = await makeRun();
  rmSync(join(run, "checkpoints/step-000002"), { recursive: true });
  for (const name of [undefined, "best"])
    expect(() => chosen(run, name)).toThrow(
      refusal("config", {
        expected: "step-000004, step-000006",
        found: "best, step 2, whose checkpoint is missing",
      }),
    );
});

test("a run without checkpoints is refused", async () => {
  const run = await makeRun();
  rmSync(join(run, "checkpoints"), { recursive: true });
  expect(() => chosen(run)).toThrow(refusal("config", { where: /checkpoints$/, found: /^last$/ }));
});
