import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { inputGain } from "../../examples/input-gain/input-gain.ts";
import { parseRecipe } from "../config/index.ts";
import { ConfigError } from "../schema/config-error.ts";
import { TinyLM } from "../testing/tiny-lm.ts";
import { temporaryFolder, tinyRun } from "../testing/tiny-run.ts";
import * as torch from "../torch/index.ts";
import { train } from "../train/trainer.ts";
import { ScaloraError } from "../util/errors.ts";
import { attach, attachFolder } from "./attach.ts";
import type { AdapterSet, Trainable } from "./core/adapter-set.ts";
import type { Method, OptionsSchema } from "./core/method.ts";
import { linearLayers } from "./core/targets.ts";
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
  ["a rate without end", { presetLr: Number.POSITIVE_INFINITY }, "it has no preset learning rate"],
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
  ["a schema that throws", { schema: named("toy").transform(fail) }, "its schema throws"],
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

test.each([undefined, null, "lora"])("registerMethod refuses %s", (value) => {
  const register: (method: unknown) => void = Object.assign(registerMethod);
  expect(failure(() => register(value))).toMatchObject({ code: "config", where: `method ${value}` });
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
  ["no-list", trainables(() => 5), "trainables\\(\\) returned no list"],
  ["no-trainable", trainables(() => [undefined]), "something else than trainables"],
  ["no-value", trainables((all) => all.map(({ value: _, ...rest }) => rest)), "a trainable has no value"],
  ["no-state", () => ({ state: undefined }), "no state()"],
  [
    "no-dispose",
    (full) => {
      full.dispose();
      return { dispose: undefined };
    },
    "no dispose()",
  ],
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

test("an attach() that returns nothing is refused, and the method named", () => {
  const method = { ...toy(), name: "no-set", schema: named("no-set") };
  registerMethod(Object.assign(method, { attach: () => undefined }));
  using model = new TinyLM();
  expect(failure(() => attach(model, { method: "no-set" }))).toMatchObject({
    code: "config",
    message: expect.stringContaining("Method no-set breaks the contract of methods: attach() returned no"),
  });
});

/** The fields of the error for a method whose own code throws. */
const failedIn = (method: string, hook: string) => ({
  code: "run",
  where: `adapter.method: ${method}`,
  message: expect.stringContaining(`Method ${method} failed in ${hook}`),
});

let made = 0;
const unusedName = () => `failing-${++made}`;

const nf4 = { model: { path: ".", quantization: "nf4" } };

test.each<[string, Partial<Method<OptionsSchema>>]>([
  ["attach()", { attach: fail }],
  ["trainables()", toy(() => ({ trainables: fail }))],
  ["check()", { check: fail }],
  ["check()", Object.assign({ check: () => [{ problem: "has no path" }] })],
  ["refusesQuantised()", { refusesQuantised: fail }],
])("a method whose own code throws is named: %s", (hook, wrong) => {
  const name = unusedName();
  registerMethod({ ...toy(), ...wrong, name, schema: named(name) });
  using model = new TinyLM();
  expect(failure(() => attach(model, { method: name }))).toMatchObject(failedIn(name, hook));
});

test.each<[string, Partial<Method<OptionsSchema>>]>([
  ["check()", { check: fail }],
  ["refusesQuantised()", { refusesQuantised: fail }],
])("a recipe of a method whose own code throws names it: %s", (hook, wrong) => {
  const name = unusedName();
  registerMethod({ ...toy(), ...wrong, name, schema: named(name) });
  expect(failure(() => parseRecipe({ ...nf4, adapter: { method: name } }))).toMatchObject(
    failedIn(name, hook),
  );
  // Recipes of other methods are checked as ever.
  const other = failure(() => parseRecipe({ ...nf4, adapter: { method: "full" } }));
  expect(other).toBeInstanceOf(ConfigError);
  expect(other).toMatchObject({
    issues: expect.arrayContaining([expect.objectContaining({ key: "model.quantization" })]),
  });
});

test("a schema that throws when it is parsed names its method, in code and in a recipe", () => {
  const schema = z
    .strictObject({ method: z.literal("throws"), size: z.number().default(1) })
    .transform(({ method, size }) => (size > 1 ? fail() : { method, size }));
  registerMethod({ ...toy(), name: "throws", schema });
  using model = new TinyLM();
  const options = { method: "throws", size: 2 };
  for (const run of [() => attach(model, options), () => parseRecipe({ adapter: options })])
    expect(failure(run)).toMatchObject(failedIn("throws", "its schema"));
});

test("a folder that a method's own code fails to look at names the method", () => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  writeFileSync(join(folder.path, "adapter_config.json"), '{ "peft_type": "STRANGE" }');
  registerMethod({ ...toy(), name: "reader", schema: named("reader"), readsFolder: fail });
  using model = new TinyLM();
  expect(failure(() => attachFolder(model, folder.path))).toMatchObject(failedIn("reader", "readsFolder()"));
});

test.each<[string, () => unknown, object]>([
  ["throws", fail, { code: "run", message: expect.stringContaining("failed in forward() of") }],
  ["gives no tensor", () => undefined, { code: "config", message: expect.stringContaining("no tensor") }],
  [
    "gives another shape",
    () => torch.zeros([1, 3], { device: "cpu" }),
    { code: "config", message: expect.stringContaining("[1, 3]") },
  ],
])("a layer's forward() that %s is found when the method is attached", (_, forward, error) => {
  const name = unusedName();
  const attachTo: Method<OptionsSchema>["attach"] = (model, _options, { seed }) => {
    const adapters = attach(model, { method: "lora" }, seed);
    for (const [, { adapter }] of linearLayers(model)) if (adapter) Object.assign(adapter, { forward });
    return adapters;
  };
  registerMethod({ ...toy(), name, schema: named(name), attach: attachTo });
  using model = new TinyLM();
  const live = torch.liveTensorCount();
  expect(failure(() => attach(model, { method: name }))).toMatchObject(error);
  expect(torch.liveTensorCount()).toBe(live);
});

test("a model is free again after an attach() that threw once its adapters were on", () => {
  registerMethod({
    ...toy(),
    name: "half-way",
    schema: named("half-way"),
    attach(model) {
      attach(model, { method: "lora" });
      return fail();
    },
  });
  using model = new TinyLM();
  expect(failure(() => attach(model, { method: "half-way" }))).toMatchObject(
    failedIn("half-way", "attach()"),
  );
  using adapters = attach(model, { method: "lora" });
  expect(adapters.method).toBe("lora");
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
