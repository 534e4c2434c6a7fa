import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { temporaryFolder } from "../src/testing/tiny-run.ts";

const repository = fileURLToPath(new URL("..", import.meta.url));
const scratch = temporaryFolder();
afterAll(() => scratch.remove());
for (const name of ["assets", "examples", "src", "node_modules", "tsconfig.json", "package.json"])
  symlinkSync(join(repository, name), join(scratch.path, name));

/** What each example prints at its end. */
const endings: Readonly<Record<string, RegExp>> = {
  "train.ts": /^finished after 60 steps; the merged model is in runs\/example-model$/m,
  "stream-generation.ts": /^\d+ tokens in [\d.]+ s \((length|end)\)$/m,
  "custom-method.ts": /^input-gain: \d+ gains, loss [\d.]+ at step 20$/m,
  "custom-metric.ts": /^scalora-i: word accuracy [\d.]+ → [\d.]+ %$/m,
  "serve-while-training.ts": /^trained: step 60, loss [\d.]+$/m,
};

test("every example has a test", () => {
  const programs = readdirSync(join(repository, "examples")).filter((name) => name.endsWith(".ts"));
  expect(programs.sort()).toEqual(Object.keys(endings).sort());
});

test.each(Object.entries(endings))("examples/%s runs as its first line says", (name, ending) => {
  const args = ["--import", "tsx", `examples/${name}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: scratch.path,
    encoding: "utf8",
  });
  expect({ status, errors: status === 0 ? "" : stderr }).toEqual({ status: 0, errors: "" });
  expect(stdout).toMatch(ending);
});

test("what the first example saves is a whole model folder", () => {
  for (const name of ["config.json", "model.safetensors", "tokenizer.json"])
    expect(existsSync(join(scratch.path, "runs", "example-model", name))).toBe(true);
  rmSync(join(scratch.path, "runs"), { recursive: true });
});
