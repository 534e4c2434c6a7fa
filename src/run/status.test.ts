import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { listRuns } from "./list-runs.ts";
import { RunFolder } from "./run-folder.ts";
import { readStatus } from "./status.ts";

test("a status says its version; a newer one is refused, a damaged one is none, and neither hides the other runs", () => {
  const parent = mkdtempSync(join(tmpdir(), "scalora-status-"));
  try {
    using run = RunFolder.create(join(parent, "a"), "x");
    const unknown = {
      loss: null,
      evalLoss: null,
      bestEvalLoss: null,
      bestStep: null,
      lr: null,
      memory: null,
    };
    const rest = { tokensPerSecond: null, remaining: null, message: null };
    run.writeStatus({
      state: "finished",
      method: "lora",
      model: "m",
      step: 3,
      totalSteps: 3,
      ...unknown,
      ...rest,
    });
    const written = JSON.parse(readFileSync(run.file("status.json"), "utf8"));
    const rewrite = (change: object) =>
      writeFileSync(run.file("status.json"), JSON.stringify({ ...written, ...change }));
    expect(readStatus(run.path)).toEqual(written);
    expect(written.version).toBe(1);
    rewrite({ version: undefined, addedLater: 1 });
    expect(readStatus(run.path)).toMatchObject({ state: "finished", step: 3 });
    rewrite({ step: "3" });
    expect(readStatus(run.path)).toBeUndefined();
    rewrite({ version: 2, step: "3" });
    expect(() => readStatus(run.path)).toThrow(
      expect.objectContaining({ code: "format", found: "version 2" }),
    );
    expect(listRuns(parent)).toMatchObject([{ name: "a", state: "newer" }]);
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
});
