import { afterAll, afterEach, expect, test, vi } from "vitest";
import { parseRecipe } from "../config/index.ts";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { writeTinyProject } from "../testing/tiny-trained-run.ts";
import { joinAsRank } from "../torch/testing/join-as-rank.ts";
import { elementAt } from "../util/elements.ts";
import { freePort } from "../util/free-port.ts";
import { packageVersion } from "./package-version.ts";
import { requireSameRecipe } from "./require-same-run.ts";

vi.mock("./package-version.ts", { spy: true });
afterEach(() => void vi.mocked(packageVersion).mockReset());

const scratch = temporaryFolder();
afterAll(scratch.remove);
writeTinyProject(scratch.path);
const recipe = parseRecipe(
  {
    model: { path: "model" },
    adapter: { method: "lora" },
    data: { train: "train.jsonl", eval: "none" },
    train: { steps: 1 },
  },
  { cwd: scratch.path },
);

/** What ranks with such versions of scalora reject with. */
async function refusals(versions: readonly string[]): Promise<unknown[]> {
  const port = await freePort();
  const size = versions.length;
  const groups = await Promise.all(versions.map((_, rank) => joinAsRank({ port, rank, size, timeout: 20 })));
  try {
    for (const version of versions) vi.mocked(packageVersion).mockReturnValueOnce(version);
    const results = await Promise.allSettled(groups.map((group) => requireSameRecipe(group, recipe)));
    return results.map((result) => (result.status === "rejected" ? result.reason : undefined));
  } finally {
    for (const group of groups) group.dispose();
  }
}

test("ranks with another version of scalora are refused: rank 0 names both, the others refer to it", async () => {
  const [first, ...others] = await refusals(["0.1.0", "0.1.0", "0.2.0"]);
  expect(first).toEqual(
    refusal("usage", { where: "rank 2", found: "version of scalora: 0.1.0 on rank 0, 0.2.0 on rank 2" }),
  );
  for (const error of others)
    expect(error).toEqual(refusal("usage", { where: "rank 2", fix: "rank 0 says what differs" }));
  expect(elementAt(others, 0)).toHaveProperty("found", undefined);
  expect(await refusals(["0.1.0", "0.1.0"])).toEqual([undefined, undefined]);
});
