import { mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { listedModels } from "../download/index.ts";
import { openGenerator } from "../inference/generate.ts";
import { loadClassifier, loadModel } from "../models/index.ts";
import { refusal } from "../testing/refusal.ts";
import { writeTinyBert } from "../testing/tiny-bert.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { loadTokenizer } from "./load-tokenizer.ts";
import { locateModel } from "./locate-model.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
const home = process.cwd();
/** Where the hub's tools, and so we, keep a model. */
const snapshot = (owner: string, name: string) => at("hub", `models--${owner}--${name}`, "snapshots", "a1b2");

beforeAll(() => {
  process.chdir(scratch.path);
  writeTinyLlama(snapshot("maker", "tiny"));
  writeTinyBert(snapshot("maker", "encoder"));
  writeTinyLlama("mine");
  vi.stubEnv("HF_HUB_CACHE", at("hub"));
  vi.stubEnv("XDG_CACHE_HOME", at("cache"));
});
afterAll(() => {
  process.chdir(home);
  vi.unstubAllEnvs();
  scratch.remove();
});

test("the name of a fetched model stands for its folder in every function that loads", async () => {
  using model = await loadModel("maker/tiny");
  expect(model.path).toBe(snapshot("maker", "tiny"));
  expect((await loadTokenizer("maker/tiny")).chatTemplate).toBeDefined();
  using classifier = await loadClassifier("maker/encoder", { labels: ["no", "yes"] });
  expect(classifier.path).toBe(snapshot("maker", "encoder"));
  for (const target of ["maker/tiny", { path: "maker/tiny" }]) {
    using generator = await openGenerator(target);
    expect(generator.hasChatTemplate).toBe(true);
  }
});

test("the file of a listed model is found by its name once it is complete", () => {
  for (const { name, file, bytes } of listedModels) {
    const folder = at("cache", "scalora", "models", name);
    const path = join(folder, file);
    mkdirSync(folder, { recursive: true });
    for (const size of [bytes - 1, bytes]) {
      writeFileSync(path, "");
      truncateSync(path, size); // a hole: nothing is written
      if (size === bytes) expect(locateModel(name)).toBe(path);
      else expect(() => locateModel(name)).toThrow(refusal("model", { fix: `scalora get ${name}` }));
    }
    rmSync(folder, { recursive: true });
  }
});

test("a path that exists wins over a name, and a leading ~ is the home folder", () => {
  expect(locateModel("mine")).toBe(at("mine"));
  mkdirSync(at("maker", "tiny"), { recursive: true });
  expect(locateModel("maker/tiny")).toBe(at("maker", "tiny"));
  expect(() => locateModel("~/no such model")).toThrow(
    refusal("model", { where: join(homedir(), "no such model") }),
  );
});

test("of a model that is not there, the error says how to fetch it, or what was meant", async () => {
  await expect(loadModel("smollm2-135m-instruct")).rejects.toThrow(
    refusal("model", { fix: "`npx scalora get smollm2-135m-instruct` fetches it" }),
  );
  await expect(loadTokenizer("someone/model")).rejects.toThrow(
    refusal("model", { fix: "npx scalora get someone/model" }),
  );
  await expect(loadModel("smollm-135m-instruct")).rejects.toThrow(
    refusal("model", { fix: "smollm2-135m-instruct" }),
  );
  await expect(loadModel("mime")).rejects.toThrow(refusal("model", { fix: "did you mean mine?" }));
});

test.each([
  ["config.yaml", "a run's folder", "openGenerator"],
  ["adapter_config.json", "an adapter's folder", "attachFolder"],
])("a folder with %s is no model: it is %s", async (file, found, fix) => {
  mkdirSync(at("other", file), { recursive: true });
  writeFileSync(at("other", file, file), "");
  await expect(loadModel(at("other", file))).rejects.toThrow(refusal("model", { found, fix }));
});
