import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { lockNewRun } from "../run/lock-run.ts";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { ScaloraError } from "../util/errors.ts";
import { RowFiles } from "./row-files.ts";

const scratch = temporaryFolder();
afterAll(() => scratch.remove());

const sent = { train: { number: 7, name: "data.train" } };
const received = () => new Map([[7, ['{"text":"a"}\n', '{"text":"b"}\n']]]);

test("rows become a file, once", () => {
  const rows = received();
  const files = new RowFiles(rows, sent);
  expect(rows.size).toBe(0);
  const { train = "" } = files.write(join(scratch.path, "rows"));
  expect(readFileSync(train, "utf8")).toBe('{"text":"a"}\n{"text":"b"}\n');
  expect(files.write(scratch.path)).toEqual({});
});

test("a place that takes no rows is an error that names it", () => {
  const file = join(scratch.path, "file");
  writeFileSync(file, "");
  expect(() => new RowFiles(received(), sent).write(join(file, "rows"))).toThrow(
    refusal("run", { message: "rows of data.train", where: join(file, "rows"), found: "ENOTDIR" }),
  );
});

test("a folder that holds data of the user's is no folder for a run", () => {
  const folder = join(scratch.path, "project");
  mkdirSync(join(folder, "data"), { recursive: true });
  writeFileSync(join(folder, "data", "train.jsonl"), "mine");
  expect(() => lockNewRun(folder)).toThrow(/^The run's folder already exists/);
  expect(readFileSync(join(folder, "data", "train.jsonl"), "utf8")).toBe("mine");
});

test("errors name the rows as the program knows them", async () => {
  const files = new RowFiles(received(), sent);
  const { train } = files.write(join(scratch.path, "named"));
  const failing = files.naming(async () => {
    throw new ScaloraError("data", "A row is wrong", { where: `${train}:2` });
  });
  await expect(failing).rejects.toThrow(
    refusal("data", { where: /^data\.train:2$/, message: /where: +data\.train:2$/ }),
  );
});
