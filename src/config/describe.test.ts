import { expect, test } from "vitest";
import { describe, sectionNames } from "./index.js";

test("every key of every section is described and says what it takes", () => {
  for (const section of sectionNames) {
    for (const field of describe(section)) {
      expect(field.description, `${section}.${field.key}`).not.toBe("");
      expect(field.expects, `${section}.${field.key}`).not.toBe("");
    }
  }
});

test("keys say their default, what happens without them, and their methods", () => {
  const fields = new Map(describe("adapter").map((field) => [field.key, field]));
  expect(fields.get("method")).toMatchObject({
    expects: "lora, scalora, scalora-i, full",
    methods: undefined,
  });
  expect(fields.get("rank")).toMatchObject({
    expects: "an integer, at least 1",
    unset: "8",
    methods: ["lora", "scalora", "scalora-i"],
  });
  expect(fields.get("alpha")?.unset).toBe("2 × rank");
  expect(fields.get("interval")).toMatchObject({
    unset: "1; 10 with scalora-i",
    methods: ["scalora", "scalora-i"],
  });
});

test("only what has no default must be given", () => {
  const required = sectionNames.flatMap((section) =>
    describe(section)
      .filter((field) => field.unset === undefined)
      .map((field) => `${section}.${field.key}`),
  );
  expect(required).toEqual(["model.path", "adapter.method", "data.train"]);
});
