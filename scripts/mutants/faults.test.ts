import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packageRoot } from "../../src/setup/locate.ts";
import { mutants } from "./faults.ts";

test.each(mutants)(
  "fault to plant, $fault: its place is there, once",
  ({ file, from, to, test: { file: testFile } }) => {
    expect(readFileSync(join(packageRoot, file), "utf8").split(from)).toHaveLength(2);
    expect(to).not.toBe(from);
    expect(existsSync(join(packageRoot, testFile))).toBe(true);
  },
);
