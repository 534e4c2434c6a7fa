import { expect, test } from "vitest";
import { z } from "zod";
import { amortisedScalora, scalora } from "./method.ts";
import { amortisedScaloraSchema, checkScaloraOptions, scaloraSchema } from "./options.ts";

const parse = (options: object) => scaloraSchema.parse({ method: "scalora", ...options });

test("what is left out gets its default; the methods differ in their interval", () => {
  const defaults = {
    policy: "default",
    moments: "transfer",
    scale: "auto",
    magnitude: false,
    base: "auto",
    rank: 8,
    alpha: 16,
  };
  expect(parse({})).toMatchObject({ ...defaults, method: "scalora", interval: 1 });
  expect(parse({})).not.toHaveProperty("firstEvent");
  expect(amortisedScaloraSchema.parse({ method: "scalora-i" })).toMatchObject({
    ...defaults,
    method: "scalora-i",
    interval: 10,
  });
  expect(amortisedScaloraSchema.parse({ method: "scalora-i", rank: 3 })).toMatchObject({ alpha: 6 });
  expect(parse({ policy: "svd" })).toMatchObject({ moments: "reset" });
  expect(parse({ policy: "svd", moments: "transport" })).toMatchObject({ moments: "transport" });
  expect(parse({ moments: "keep" })).toMatchObject({ moments: "keep" });
});

test.each([
  { policy: "paper" },
  { policy: "scalar" },
  { interval: "adaptive" },
  { interval: 1 },
  { scale: "preserve" },
  { scale: { columnNorm: 0.5 } },
  { scale: { lipschitz: 40 } },
  { scale: { horizon: 50 } },
  { firstEvent: 2 },
  { magnitude: true },
])("%j is taken as it is", (options) => {
  expect(parse(options)).toMatchObject(options);
});

test.each([
  { policy: "optimal" },
  { moments: "moved" },
  { interval: 0 },
  { interval: "sometimes" },
  { scale: "large" },
  { scale: { columnNorm: 0 } },
  { scale: { lipschitz: -1 } },
  { scale: { horizon: 0 } },
  { scale: { columnNorm: 1, lipschitz: 1 } },
  { firstEvent: 1 },
  { magnitude: 1 },
  { ranks: 4 },
])("%j is refused", (options) => {
  expect(scaloraSchema.safeParse({ method: "scalora", ...options }).success).toBe(false);
});

test.each([scalora, amortisedScalora])("$name: each option and the method itself are described", (method) => {
  const { properties = {} } = z.toJSONSchema(method.schema, { io: "input" });
  const described = Object.entries(properties).filter(([key]) => key !== "method");
  expect(described.length).toBeGreaterThan(10);
  for (const [key, property] of described) expect(Object(property)["description"], key).toMatch(/\w+ \w+/);
  expect(Object(properties["interval"])["expects"]).toContain("adaptive");
  expect(Object(properties["scale"])["expects"]).toContain("lipschitz");
  expect(Object(properties["moments"])["unset"]).toContain("svd");
  expect(Object(properties["firstEvent"])["unset"]).toContain("warm-up");
  expect(method.summary).toMatch(/base absorbs|tenth step/);
  expect(method.presetLr).toBeGreaterThan(0);
});

test.each([
  {},
  { policy: "svd" },
  { policy: "svd", moments: "transport", base: "exact" },
  { interval: "adaptive" },
  { policy: "paper", scale: { lipschitz: 40 } },
  { policy: "paper", scale: "auto" },
])("%j goes together", (adapter) => {
  expect(checkScaloraOptions(adapter, { weightDecay: 0 })).toEqual([]);
  expect(checkScaloraOptions(adapter, { weightDecay: "much" })).toEqual([]);
});

const svd = (option: object) => ({ policy: "svd", ...option });

test.each<[adapter: Record<string, unknown>, key: string, expected: RegExp, found: string]>([
  [svd({ moments: "transfer" }), "moments", /^reset or transport$/, "transfer"],
  [svd({ moments: "keep" }), "moments", /^reset or transport$/, "keep"],
  [svd({ base: "factored" }), "base", /^auto or exact$/, "factored"],
  [svd({ magnitude: true }), "magnitude", /^false$/, "true"],
  [{ interval: "adaptive", scale: { horizon: 20 } }, "scale", /preserve.*number as interval/, "horizon"],
  [{ moments: "transport" }, "moments", /transfer, keep or reset.*svd/, "transport"],
  [{ policy: "paper" }, "scale", /\{lipschitz: L\}/, "nothing"],
  [
    { policy: "paper", scale: { lipschitz: 9 }, moments: "transport" },
    "moments",
    /transfer, keep or reset.*svd/,
    "transport",
  ],
])("%j is refused at %s", (adapter, key, expected, found) => {
  expect(checkScaloraOptions(adapter, {})).toEqual([
    {
      path: ["adapter", key],
      problem: expect.stringMatching(/svd|adaptive|smoothness/),
      expected: expect.stringMatching(expected),
      found: expect.stringContaining(found),
    },
  ]);
});

test.each([
  { interval: "adaptive", scale: { columnNorm: 1 } },
  { interval: 4, scale: { horizon: 20 } },
  { interval: "adaptive", scale: "preserve" },
])("%j goes together", (adapter) => {
  expect(checkScaloraOptions(adapter, {})).toEqual([]);
});

test("weight decay is refused where it would be in a momentum that an event scales", () => {
  expect(checkScaloraOptions({}, { weightDecay: 0.01, momentum: 0.9 })).toEqual([
    {
      path: ["train", "weightDecay"],
      problem: expect.stringContaining("momentum"),
      expected: expect.stringContaining("0"),
      found: expect.stringContaining("0.01"),
    },
  ]);
  for (const train of [{ weightDecay: 0.01 }, { weightDecay: 0.01, momentum: 0 }, { momentum: 0.9 }])
    expect(checkScaloraOptions({}, train)).toEqual([]);
  expect(checkScaloraOptions({ moments: "reset" }, { weightDecay: 0.01, momentum: 0.9 })).toEqual([]);
});
