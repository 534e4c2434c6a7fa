import { join } from "node:path";
import { expect, test } from "vitest";
import { packageRoot } from "../setup/paths.ts";
import { type Activity, onActivity } from "../util/activity.ts";
import { loadModelAndTokenizer } from "./load-base-model.ts";

test("what is being read is said from the first weight to the last", async () => {
  const heard: Activity[] = [];
  const end = onActivity((activity) => heard.push(activity));
  const path = join(packageRoot, "assets", "tiny");
  const loaded = await loadModelAndTokenizer(
    { path, dtype: "float32", device: "cpu", gemmBackend: "aten" },
    0,
  );
  end();
  using _model = loaded.model;
  expect(heard[0]).toEqual({ what: "reading the tokenizer of tiny" });
  const weights = heard.filter(({ what }) => what === "reading the weights of tiny");
  const [first] = weights;
  expect(weights.map(({ done }) => done)).toEqual(Array.from(weights, (_, done) => done));
  expect(new Set(weights.map(({ total }) => total))).toEqual(new Set([first?.total]));
  expect(weights.length).toBe(first?.total);
});
