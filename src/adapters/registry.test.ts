import { expect, test } from "vitest";
import { z } from "zod";
import { inputGain } from "../../examples/input-gain/input-gain.ts";
import { ConfigError } from "../schema/config-error.ts";
import { TinyLM } from "../testing/tiny-lm.ts";
import { tinyRun } from "../testing/tiny-run.ts";
import * as torch from "../torch/index.ts";
import { train } from "../train/trainer.ts";
import { ScaloraError } from "../util/errors.ts";
import { attach } from "./attach.ts";
import type { AdapterSet, Trainable } from "./core/adapter-set.ts";
import type { Method, OptionsSchema } from "./core/method.ts";
import { listMethods, registerMethod } from "./registry.ts";

registerMethod(inputGain);

/** The error of something that must fail. */
function failure(run: () => unknown): ScaloraError {
  try {
    run();
  } catch (error) {
    if (error instanceof ScaloraError) return error;
    throw error;
  }
  return expect.fail("nothing was thrown");
}

test.each(listMethods())("$name: what its schema gave is what it gives of that", ({ name, schema }) => {
  const options = schema.parse({ method: name });
  expect(schema.parse(options)).toEqual(options);
});

test("a registered method is attached by its name, with its defaults, and trains", async () => {
  const live = torch.liveTensorCount();
  const run = tinyRun({ steps: 6, evalEvery: 6 }, { adapter: { method: "input-gain" } });
  const { firstEval, lastEval } = await train(run.options);
  expect(lastEval?.loss).toBeLessThan(firstEval?.loss ?? 0);
  run.dispose();
  expect(torch.liveTensorCount()).toBe(live);
});

test("its options are checked as those of every method", () => {
  using model = new TinyLM();
  const error = failure(() => attach(model, { method: "input-gain", ratoi: 0, dropout: 0.5 }));
  expect(error).toBeInstanceOf(ConfigError);
  expect(error).toMatchObject({
    issues: [
      { key: "adapter.dropout", found: "0.5" },
      { key: "adapter.ratoi", fix: "did you mean ratio?" },
    ],
  });
});

const named = (name: string) => z.strictObject({ method: z.literal(name) });

test.each<[string, Partial<Method>, string]>([
  ["a name that is taken", { name: "lora", schema: named("lora") }, "There is a method lora already"],
  ["a name with spaces", { name: "my method" }, "its name is not one"],
  ["no summary", { summary: "" }, "it has no summary"],
  ["no rate", { presetLr: Number.NaN }, "it has no preset learning rate"],
  ["a schema of another name", { schema: named("lora") }, "its schema does not name it"],
  ["a schema that takes any key", { schema: z.object({ method: z.literal("toy") }) }, "takes unknown keys"],
  [
    "a schema that is not stable",
    {
      schema: z
        .strictObject({ method: z.literal("toy"), size: z.number().default(1) })
        .transform(({ method, size }) => ({ method, size: 2 * size })),
    },
    "other options when its own are parsed again",
  ],
])("registerMethod refuses %s, and names the method", (_, wrong, says) => {
  const method: Method<OptionsSchema> = { ...toy(), ...wrong };
  const known = listMethods();
  expect(failure(() => registerMethod(method))).toMatchObject({
    code: "config",
    where: `method ${method.name}`,
    message: expect.stringContaining(says),
  });
  expect(listMethods()).toEqual(known);
});

/** A method that does what `full` does, but for what is changed. */
function toy(change: (adapters: AdapterSet) => object = () => ({})): Method<OptionsSchema> {
  return {
    name: "toy",
    summary: "a method of the tests",
    presetLr: 1e-3,
    schema: named("toy"),
    attach(model) {
      const adapters = attach(model, { method: "full" });
      return Object.assign(adapters, change(adapters));
    },
  };
}

const trainables = (change: (all: readonly Trainable[]) => unknown) => (adapters: AdapterSet) => {
  const changed = change(adapters.trainables());
  return { trainables: () => changed };
};

test.each<[string, (adapters: AdapterSet) => object, string]>([
  [
    "no-gradient",
    trainables((all) => all.map(({ grad: _, ...rest }) => rest)),
    "a trainable has no gradient",
  ],
  ["other-shape", trainables(([first, second]) => [{ ...first, grad: second?.grad }]), "has a gradient of"],
  ["same-name", trainables(([first]) => [first, first]), "two trainables have one name"],
  ["trains-nothing", trainables(() => []), "it trains nothing"],
  ["no-state", () => ({ state: undefined }), "no state()"],
])("%s: an adapter set that breaks the contract is refused, and the method named", (name, change, says) => {
  registerMethod({ ...toy(change), name, schema: named(name) });
  using model = new TinyLM();
  const live = torch.liveTensorCount();
  expect(failure(() => attach(model, { method: name }))).toMatchObject({
    code: "config",
    message: expect.stringMatching(new RegExp(`^Method ${name} breaks the contract[^]*${says}`)),
  });
  expect(torch.liveTensorCount()).toBe(live);
});

function fail(): never {
  throw new TypeError("boom");
}

test("an attach() that throws names its method", () => {
  registerMethod({ ...toy(fail), name: "no-attach", schema: named("no-attach") });
  using model = new TinyLM();
  expect(failure(() => attach(model, { method: "no-attach" }))).toMatchObject({
    code: "run",
    where: "adapter.method: no-attach",
    found: "boom",
  });
});

test.each(["lrFactor", "beforeForward", "measuresEvent", "beforeClip"])(
  "a hook that throws names its method: %s",
  async (hook) => {
    const run = tinyRun({ steps: 1 });
    Object.assign(run.options.adapters, { method: "mine", [hook]: fail });
    await expect(train(run.options)).rejects.toMatchObject({
      code: "run",
      where: "adapter.method: mine",
      found: "boom",
      message: expect.stringContaining(`Method mine failed in ${hook} of step 1`),
    });
    run.dispose();
  },
);
