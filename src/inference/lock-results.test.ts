import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { lockResults } from "./lock-results.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

test("a named pipe is no file of results; a device is one without a lock", async () => {
  const where = join(scratch.path, "pipe");
  execFileSync("mkfifo", [where]);
  const expected = refusal("usage", { where, found: "a pipe, not a file", fix: /--predictions/ });
  await expect(lockResults(where, { onWait: () => {} })).rejects.toThrow(expected);
  expect(await lockResults("/dev/null", { onWait: () => {} })).toBeUndefined();
});
