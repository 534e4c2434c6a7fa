import { expect, test } from "vitest";
import { checkMethodReport } from "./method-report.ts";

test("a report is what its readers will get; one that they cannot read names its method and field", () => {
  expect(checkMethodReport("own", { rho: Number.NaN, figure: [1, { a: "b" }] })).toEqual({
    rho: Number.NaN,
    figure: [1, { a: "b" }],
  });
  const plain = JSON.parse('{ "alpha": [1, "two", 3] }');
  expect(() => checkMethodReport("own", plain)).toThrow(
    expect.objectContaining({
      code: "run",
      where: "method own: alpha.1",
      expected: "number or null",
      found: '"two"',
    }),
  );
});

test.each<[string, object, string]>([
  ["a BigInt", { figure: 1n }, "BigInt"],
  ["a function", { figure: () => 1 }, "figure is a function"],
  ["no object at all", () => 1, "the report is a function"],
])("a report that JSON cannot hold names its method: %s", (_, report, found) => {
  expect(() => checkMethodReport("own", Object.assign(report))).toThrow(
    expect.objectContaining({ code: "run", where: "method own", found: expect.stringContaining(found) }),
  );
});
