import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { afterAll, expect, test } from "vitest";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { elementAt } from "../util/elements.ts";
import { listedModels } from "./listed-models.ts";
import { downloadHint, listedModelPath } from "./model-cache.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);
/** Caches without any model. */
const env = { XDG_CACHE_HOME: scratch.path };

test("nobody is told to fetch a path: neither one into a folder of models, nor one that no ID of the hub could be", () => {
  const paths = [
    ..."models/gemma-3-12b-pt model/x checkpoints/a/b ./maker/small ../small /data/small ~/small".split(" "),
    ..."maker/small/ src/small a/b/c C:\\models\\small data\\small".split(" "),
  ];
  for (const path of paths) {
    const hint = downloadHint(path);
    expect(hint).toMatch(/`npx scalora get OWNER\/NAME` fetches .* goes in the path's place$/);
    expect(hint).not.toContain(path);
  }
  for (const path of ["runs/mine", "/data/runs/mine"])
    expect(downloadHint(path)).toBe("`npx scalora ls runs` lists the runs");
});

test("of a path that ends in a listed model's name, that name is fetched and goes in its place", () => {
  for (const path of [
    "models/SmolLM2-135M-Instruct",
    "./smollm2_135m_instruct.gguf",
    "a/b/SmolLM2-135M-Instruct",
  ])
    expect(downloadHint(path, { env })).toBe(
      "that model's name goes in the path's place: smollm2-135m-instruct; `npx scalora get smollm2-135m-instruct` fetches it",
    );
});

test("a name is fetched, or its nearest", () => {
  expect(downloadHint("maker/small")).toMatch(/^`npx scalora get maker\/small` fetches it/);
  expect(downloadHint("smollm2-135m-instrct", { env })).toBe(
    "did you mean smollm2-135m-instruct? `npx scalora get smollm2-135m-instruct` fetches it",
  );
});

test("a beginning is led to the name", () => {
  for (const name of ["smollm2", "smollm2-135m", "SmolLM2-135M", "gemma"])
    expect(downloadHint(name, { env })).toMatch(/^did you mean (smollm2-135m-instruct|gemma-3-270m)\? `npx/);
});

test("a name that resembles none is led to the list", () => {
  for (const name of ["nowhere", "smollm3"])
    expect(downloadHint(name)).toMatch(/^`npx scalora get` lists models, .*\(OWNER\/NAME\)$/);
});

test("nobody is told to fetch what is there", () => {
  const model = elementAt(listedModels, 0);
  const path = listedModelPath(model, env);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, "");
  truncateSync(path, model.bytes);
  expect(downloadHint(`${model.name}x`, { env })).toBe(`did you mean ${model.name}?`);
  expect(downloadHint(`models/${model.name}`, { env })).toBe(
    `that model's name goes in the path's place: ${model.name}`,
  );
});
