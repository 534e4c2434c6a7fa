import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packageRoot } from "../../src/setup/paths.ts";
import { faults } from "./faults.ts";

test.each(faults)(
  "fault to plant, $name: its place is there, once",
  ({ file, from, to, test: { file: testFile } }) => {
    expect(readFileSync(join(packageRoot, file), "utf8").split(from)).toHaveLength(2);
    expect(to).not.toBe(from);
    expect(existsSync(join(packageRoot, testFile))).toBe(true);
  },
);
