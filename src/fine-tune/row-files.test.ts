import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { lockNewRun } from "../run/lock-run.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { ScaloraError } from "../util/errors.ts";
import { RowFiles } from "./row-files.ts";

const scratch = temporaryFolder();
afterAll(() => scratch.remove());

const sent = { train: { number: 7, name: "data.train" } };
const received = () => new Map([[7, ['{"text":"a"}\n', '{"text":"b"}\n']]]);

test("rows become a file, which a run keeps once it has begun", () => {
  const folder = join(scratch.path, "run");
  const rows = received();
  using files = new RowFiles(rows, sent);
  expect(rows.size).toBe(0);
  const place = () => files.place(folder);
  place()[Symbol.dispose]();
  expect(() => readFileSync(join(folder, ".rows/train.jsonl"))).toThrow(/ENOENT/);
  const placed = place();
  writeFileSync(join(folder, "config.yaml"), "");
  placed[Symbol.dispose]();
  expect(readFileSync(join(folder, ".rows/train.jsonl"), "utf8")).toBe('{"text":"a"}\n{"text":"b"}\n');
});

test("a folder that holds data of the user's is no folder for a run", () => {
  const folder = join(scratch.path, "project");
  mkdirSync(join(folder, "data"), { recursive: true });
  writeFileSync(join(folder, "data", "train.jsonl"), "mine");
  expect(() => lockNewRun(folder)).toThrow(/^The run's folder already exists/);
  expect(readFileSync(join(folder, "data", "train.jsonl"), "utf8")).toBe("mine");
});

test("errors name the rows as the program knows them", async () => {
  using files = new RowFiles(received(), sent);
  const failing = files.naming(async () => {
    throw new ScaloraError("data", "A row is wrong", { where: `${files.paths["train"]}:2` });
  });
  await expect(failing).rejects.toThrow(/where: +data\.train:2$/);
});
