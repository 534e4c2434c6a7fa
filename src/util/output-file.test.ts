import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeReport } from "../report/index.ts";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { writeOutputFile } from "./output-file.ts";

test("an output that cannot be written is the user's to mend: the error names the file and what to do", () => {
  const { path, remove } = temporaryFolder();
  const file = join(path, "report.html");
  writeOutputFile(file, "text");
  expect(readFileSync(file, "utf8")).toBe("text");
  const occupied = join(path, "folder");
  mkdirSync(join(occupied, "inside"), { recursive: true });
  const expected = refusal("run", { where: occupied, found: /^E[A-Z]+: /, fix: /folder/ });
  expect(() => writeOutputFile(occupied, "text")).toThrow(expected);
  const report = { title: "t", facts: [], charts: [], tables: [], samples: [] };
  expect(() => writeReport(occupied, report)).toThrow(expected);
  expect(readdirSync(path).sort()).toEqual(["folder", "report.html"]);
  remove();
});
