import { existsSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { failAtFileChange } from "./file-fault-injection.ts";
import { temporaryFolder } from "./tiny-run.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

test("the folder in which tsx keeps translated sources is no change of the program under test", () => {
  let ends = 0;
  const repair = failAtFileChange(1, () => {
    ends += 1;
  });
  try {
    mkdirSync(join(tmpdir(), "tsx-0"), { recursive: true });
    expect(ends).toBe(0);
    mkdirSync(join(scratch.path, "own"));
    expect([ends, existsSync(join(scratch.path, "own"))]).toEqual([1, false]);
  } finally {
    repair();
  }
});
