import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runChild } from "../testing/child-process.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { writeTinyProject } from "../testing/tiny-trained-run.ts";
import { printedFailure } from "./testing/printed-failure.ts";

const program = new URL("testing/run-main.ts", import.meta.url);
const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
afterAll(scratch.remove);
beforeAll(() => {
  writeTinyProject(scratch.path);
  const recipe = {
    model: { path: at("model"), device: "cpu" },
    adapter: { method: "lora", rank: 2 },
    data: { train: at("train.jsonl"), eval: { holdOut: 8 } },
    train: { steps: 3, batchSize: 4, lr: 1e-2 },
    run: { folder: at("runs"), samples: 0 },
  };
  writeFileSync(at("recipe.yaml"), JSON.stringify(recipe));
});

const compare = (out: string, ...words: string[]) =>
  runChild(
    program,
    ...words,
    ...["compare", at("recipe.yaml"), "--methods", "lora", "--lrs", "1e-2", "--seeds", "0,1"],
    ...["--out", at(out), "--json"],
  );

test("the runs of a comparison are shared out between processes, and its table is the same", async () => {
  const alone = await compare("alone");
  expect(alone.code, alone.stderr).toBe(0);
  const together = await compare("together", "launch", "--nproc", "2");
  expect(together.code, together.stderr).toBe(0);
  expect(together.stderr).not.toContain("[rank 1]");
  const [row] = JSON.parse(alone.stdout).rows;
  expect(JSON.parse(together.stdout).rows).toMatchObject([{ results: row.results, mean: row.mean }]);
}, 120_000);

test("a comparison that rank 0 refuses ends all processes", async () => {
  const refused = await runChild(
    program,
    ...["launch", "--nproc", "2", "compare", at("recipe.yaml"), "--methods", "lora", "--lrs", "1e-2"],
    ...["--out", at("refused"), "--set", "data.eval=none"],
  );
  const ofFirst = refused.stderr.split("\n").filter((line) => !line.startsWith("[rank"));
  expect(printedFailure({ ...refused, stderr: ofFirst.join("\n") })).toMatchObject({
    code: 2,
    message: "A comparison needs held-out rows",
  });
}, 60_000);
