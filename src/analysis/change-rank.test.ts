import { afterAll, beforeAll, expect, test } from "vitest";
import { openModel } from "../assemble/open-model.ts";
import { loadModel } from "../models/index.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { trainTiny, writeTinyProject } from "../testing/tiny-trained-run.ts";
import { liveTensorCount } from "../torch/index.ts";
import { takeFirst } from "../util/elements.ts";
import { rankReport } from "./change-rank.ts";
import { ranksFromSingularValues } from "./matrix-ranks.ts";

test("ranks of known singular values", () => {
  expect(ranksFromSingularValues([])).toEqual({ rank: 0, entropyRank: 0 });
  expect(ranksFromSingularValues([0, 0])).toEqual({ rank: 0, entropyRank: 0 });
  expect(ranksFromSingularValues([3, 3, 3, 0])).toMatchObject({ rank: 3 });
  expect(ranksFromSingularValues([3, 3, 3, 0]).entropyRank).toBeCloseTo(3, 12);
  expect(ranksFromSingularValues([1, 0.02, 0.0099])).toMatchObject({ rank: 2 });
  // Shares .8 and .2: exp(-.8 ln .8 - .2 ln .2).
  expect(ranksFromSingularValues([2, 1]).entropyRank).toBeCloseTo(1.6493848, 6);
});

const scratch = temporaryFolder();
beforeAll(() => writeTinyProject(scratch.path));
afterAll(scratch.remove);

test("a LoRA run changes each layer at its rank, ScaLoRA at more, full fine-tuning at most", async () => {
  const reports = [];
  const before = liveTensorCount();
  for (const method of ["lora", "scalora", "full"] as const) {
    const path = await trainTiny(scratch.path, method);
    const open = await openModel({ path, dtype: "auto", device: "cpu", checkpoint: "last" });
    using original = await loadModel(open.baseFolder);
    if (open.adapters) reports.push(rankReport(open.model, open.adapters, original));
    open.dispose();
  }
  const [lora, scalora, full] = takeFirst(reports, 3);
  expect(lora?.layers.map(({ rank }) => rank)).toEqual(Array(14).fill(2));
  expect(lora.entropyRank).toBeLessThanOrEqual(2);
  expect(lora?.rank).toBe(2);
  expect(scalora.rank).toBeGreaterThan(3);
  expect(scalora.entropyRank).toBeGreaterThan(lora.entropyRank);
  expect(full.rank).toBeGreaterThan(scalora.rank);
  expect(full?.layers).toHaveLength(15);
  expect(liveTensorCount()).toBe(before);
});
