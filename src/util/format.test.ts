import { expect, test } from "vitest";
import { ScaloraError } from "./errors.ts";
import { formatProblems, formatStepTime } from "./format.ts";

test("problems begin on the line of their label", () => {
  const found = (problems: string[]) =>
    new ScaloraError("model", "What", { found: formatProblems(problems, 2) }).message;
  expect(found(["a"])).toBe("What\n  found:    a");
  const indent = " ".repeat(12);
  expect(found(["a", "b", "c"])).toBe(`What\n  found:    - a\n${indent}- b\n${indent}… and 1 more`);
});

test.each([
  [0.00001234, "0.0123 ms"],
  [0.0457, "45.7 ms"],
  [0.457, "457 ms"],
  [0.99951, "1.00 s"],
  [3.09, "3.09 s"],
  [45.67, "45.7 s"],
  [59.96, "1 min 00 s"],
  [1234, "20 min 34 s"],
])("a step of %d seconds takes %s", (seconds, text) => {
  expect(formatStepTime(seconds)).toBe(text);
});
