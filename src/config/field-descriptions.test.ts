import { expect, test } from "vitest";
import { listMethods } from "../adapters/registry.ts";
import { describeSection, sectionNames } from "./index.ts";

test("every key of every section is described and says what it takes", () => {
  for (const section of sectionNames) {
    const fields = describeSection(section);
    expect(fields.length, section).toBeGreaterThan(0);
    for (const field of fields) {
      expect(field.description, `${section}.${field.key}`).toMatch(/\w/);
      expect(field.expects, `${section}.${field.key}`).toMatch(/\w/);
    }
  }
});

test("keys say their default, what happens without them, and their methods", () => {
  const fields = new Map(describeSection("adapter").map((field) => [field.key, field]));
  expect(fields.get("method")).toMatchObject({
    expects: listMethods()
      .map(({ name }) => name)
      .join(", "),
    methods: undefined,
  });
  expect(fields.get("rank")).toMatchObject({
    expects: "an integer, at least 1",
    unset: "8",
    methods: expect.arrayContaining(["lora", "mora", "scalora-i"]),
  });
  expect(fields.get("rank")?.methods).not.toContain("full");
  expect(fields.get("alpha")?.unset).toBe("2 × rank; rank with pissa");
  expect(fields.get("interval")).toMatchObject({
    unset: "1; 10 with scalora-i; 100 with relora; 1000 with flora",
    description:
      "Steps between scaling events; with relora: steps from one restart to the next (the paper's pre-training: 5,000); with flora: κ: steps between new projections",
    methods: ["scalora", "scalora-i", "relora", "flora"],
  });
});

test("only what has no default must be given", () => {
  const required = sectionNames.flatMap((section) =>
    describeSection(section)
      .filter((field) => field.unset === undefined)
      .map((field) => `${section}.${field.key}`),
  );
  expect(required).toEqual(["model.path", "adapter.method", "data.train"]);
});
