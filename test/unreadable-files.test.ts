import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readAdapterConfig } from "../src/adapters/peft/adapter-config.ts";
import { loadPlugins, loadRecipe } from "../src/config/index.ts";
import { readRows } from "../src/data/index.ts";
import { readGgufHeader } from "../src/gguf/header.ts";
import { readModelConfig } from "../src/model-files/model-config.ts";
import { diffRuns } from "../src/run/diff-runs.ts";
import { listRuns } from "../src/run/list-runs.ts";
import { readEvents } from "../src/run/read-events.ts";
import { RunFolder } from "../src/run/run-folder.ts";
import { readStatus } from "../src/run/status.ts";
import { readSafetensorsHeader } from "../src/safetensors/index.ts";
import { readTokenizerFolder } from "../src/tokenizer/index.ts";
import { readManifest, readState } from "../src/train/checkpoints/read-checkpoint.ts";
import { ScaloraError } from "../src/util/errors.ts";
import { codeOf } from "../src/util/files.ts";

const scratch = mkdtempSync(join(tmpdir(), "scalora-unreadable-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** What stands where a file should. */
const things: Readonly<Record<string, (path: string) => void>> = {
  "a folder": (path) => mkdirSync(path),
  "a pipe": (path) => void execFileSync("mkfifo", [path]),
  "a device": (path) => symlinkSync("/dev/zero", path),
  "an empty file": (path) => writeFileSync(path, ""),
  "text in UTF-16": (path) => writeFileSync(path, Buffer.from('\ufeff{"a": [1]}\n', "utf16le")),
  "lists in lists": (path) =>
    writeFileSync(path, `{"model": {"vocab": {"a": ${"[".repeat(50_000)}${"]".repeat(50_000)}}}}`),
  nothing: () => {},
};

const rows = async (path: string) => {
  for await (const _row of readRows(path));
  throw new ScaloraError("data", "no rows", { where: path });
};

const withPlugin = async (path: string) => {
  const recipe = `${path}.yaml`;
  writeFileSync(recipe, JSON.stringify({ plugins: [path] }));
  await loadPlugins(recipe);
  loadRecipe(recipe);
};

/** The files that a user, or a folder that a user names, can give. */
const readers: Readonly<Record<string, (path: string) => unknown>> = {
  "recipe.yaml": (path) => loadRecipe(path),
  "rows.jsonl": rows,
  "rows.json": rows,
  "rows.csv": rows,
  "rows.parquet": rows,
  "config.json": (path) => readModelConfig(dirname(path)),
  "tokenizer.json": (path) => readTokenizerFolder(dirname(path)),
  "tokenizer.model": (path) => readTokenizerFolder(dirname(path)),
  "model.safetensors": (path) => readSafetensorsHeader(path),
  "model.gguf": (path) => readGgufHeader(path),
  "adapter_config.json": (path) => readAdapterConfig(dirname(path)),
  "plugin.mjs": withPlugin,
};

const cases = Object.keys(readers).flatMap((name) =>
  Object.keys(things).map((thing) => [name, thing] as const),
);

test.each(cases)("%s that is %s ends in one error that names it", async (name, thing) => {
  const folder = mkdtempSync(join(scratch, "case-"));
  const path = join(folder, name);
  things[thing]?.(path);
  const error: unknown = await (async () => readers[name]?.(path))().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ScaloraError);
  expect(error).toHaveProperty("exitCode", 2);
  expect(String(error)).toContain(folder);
});

const notFiles = ["a folder", "a pipe", "a device"] as const;

/** A folder in which one file is something else. */
function folderWith(name: string, thing: (typeof notFiles)[number]): string {
  const folder = mkdtempSync(join(scratch, "run-"));
  things[thing]?.(join(folder, name));
  return folder;
}

test.each(notFiles)("%s in place of a file of a run is refused by name", (thing) => {
  const inRun = folderWith("events.jsonl", thing);
  writeFileSync(join(inRun, "config.yaml"), "");
  const refusals = [
    [() => readEvents(inRun), inRun],
    [() => RunFolder.open(inRun), inRun],
    ...["config.yaml", "events.jsonl"].map((name) => {
      const run = folderWith(name, thing);
      return [() => diffRuns(run, run), join(run, name)] as const;
    }),
    ...["manifest.json", "state.json"].map((name) => {
      const checkpoint = folderWith(name, thing);
      return [() => (name === "state.json" ? readState : readManifest)(checkpoint), checkpoint] as const;
    }),
  ] as const;
  for (const [read, where] of refusals) {
    const error = errorOf(read);
    expect(error).toBeInstanceOf(ScaloraError);
    expect(["format", "run"]).toContain(codeOf(error));
    expect(String(error)).toContain(where);
  }
});

test.each(notFiles)("%s in place of a status or a command hides no run and stops none", (thing) => {
  const runs = mkdtempSync(join(scratch, "runs-"));
  for (const name of ["odd", "other"]) RunFolder.create(join(runs, name), "").close();
  things[thing]?.(join(runs, "odd", "status.json"));
  expect(readStatus(join(runs, "odd"))).toBeUndefined();
  expect(listRuns(runs).map(({ name, state }) => `${name} ${state}`)).toEqual([
    "odd unknown",
    "other unknown",
  ]);
  using run = RunFolder.open(join(runs, "other"));
  things[thing]?.(run.file("control.json"));
  expect(run.takeControl()).toEqual({ warning: `control.json ignored: ${thing}, not a file` });
});

function errorOf(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return error;
  }
}

test.each([
  ["a zero byte", "a\0b"],
  ["more characters than a path may have", "x".repeat(1_000_000)],
])("a path with %s is an error like any other", async (_name, path) => {
  for (const read of Object.values(readers)) {
    if (read === withPlugin) continue;
    const error: unknown = await (async () => read(join(scratch, path, path)))().catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ScaloraError);
    expect(error).toHaveProperty("exitCode", 2);
    expect(String(error)).not.toContain("\0");
    expect(String(error).length).toBeLessThan(6000);
  }
});
