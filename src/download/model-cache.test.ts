import { expect, test } from "vitest";
import { downloadHint } from "./model-cache.ts";

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
    expect(downloadHint(path)).toBe(
      "`npx scalora get smollm2-135m-instruct` fetches that model, and smollm2-135m-instruct then goes in the path's place",
    );
});

test("a name is fetched, or its nearest", () => {
  expect(downloadHint("maker/small")).toMatch(/^`npx scalora get maker\/small` fetches it/);
  expect(downloadHint("smollm2-135m-instrct")).toMatch(/^did you mean smollm2-135m-instruct\?/);
  expect(downloadHint("nowhere")).toBeUndefined();
});
