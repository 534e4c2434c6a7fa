import { expect, test } from "vitest";
import { ScaloraError } from "./errors.ts";
import { formatProblems } from "./format.ts";

test("problems begin on the line of their label", () => {
  const found = (problems: string[]) =>
    new ScaloraError("model", "What", { found: formatProblems(problems, 2) }).message;
  expect(found(["a"])).toBe("What\n  found:    a");
  const indent = " ".repeat(12);
  expect(found(["a", "b", "c"])).toBe(`What\n  found:    - a\n${indent}- b\n${indent}… and 1 more`);
});
