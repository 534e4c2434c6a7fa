import { expect, test } from "vitest";
import { attach } from "../adapters/index.ts";
import { methodsAlone } from "../adapters/testing/matrix-rows.ts";
import { ConfigError, parseRecipe } from "../config/index.ts";
import { trainSchema } from "../config/train-section.ts";
import { AdamW } from "../optim/index.ts";
import { scheduleAndSettings } from "../recipes/run-settings.ts";
import { TinyLM } from "../testing/tiny-lm.ts";
import { tinyRun } from "../testing/tiny-run.ts";
import * as torch from "../torch/index.ts";
import { train } from "../train/trainer.ts";
import { zip } from "../util/elements.ts";
import { makeOptimizer } from "./make-optimizer.ts";

type Options = ReturnType<(typeof methodsAlone)[string]["options"]>;

const steps = 4;

/** Changes of the optimiser's settings, each against the same run without it; one without effect is to be refused. */
const changes = {
  adamw: {
    lr: 0.02,
    schedule: "cosine",
    warmup: 2,
    clip: 0.01,
    betas: [0.8, 0.999],
    eps: 1e-3,
    weightDecay: 0.1,
    accumulate: 2,
    optimizer: "sgd",
    momentum: 0.5,
  },
  sgd: {
    lr: 0.02,
    schedule: "constant",
    warmup: 2,
    clip: 0.01,
    momentum: 0.5,
    weightDecay: 0.1,
    accumulate: 2,
    betas: [0.8, 0.999],
    eps: 1e-3,
  },
};
const withoutEffect = { adamw: ["momentum"], sgd: ["betas", "eps"] };

/** Keys of the section that are not the optimiser's. */
const others = ["steps", "epochs", "batchSize", "batchTokens", "seed", "evalEvery", "saveEvery"];
const watching = ["keepLast", "patience", "stopOnDivergence"];
/** Change memory and time, not a bit of the result (recompute.test.ts, sharded-base.test.ts). */
const exact = ["recompute", "shardBase"];
/** How a GPU computes (train-with-graphs.test.ts). */
const onGpu = ["cudaGraphs"];

const recipeOf = (adapter: object, settings: object) => ({
  model: { path: import.meta.dirname },
  adapter,
  data: { train: import.meta.filename, eval: "none" },
  train: { steps, lr: 0.01, warmup: 0, ...settings },
});

/** What a run of the tiny model trains, at its end; `refused` for settings that the recipe may not have. */
async function endOf(adapter: Options, settings: object): Promise<number[][] | "refused"> {
  const recipe = parsed(adapter, settings);
  if (recipe === undefined) return "refused";
  const run = tinyRun({ steps, evalEvery: steps, saveEvery: steps, keepLast: 1, accumulate: 1 }, { adapter });
  const { adapters } = run.options;
  using optimizer = makeOptimizer(adapters, recipe.train);
  await train({ ...run.options, optimizer, ...scheduleAndSettings(recipe, steps) });
  const end = adapters.trainables().map(({ value }) => [...value.toFloats()]);
  run.dispose();
  return end;
}

function parsed(adapter: Options, settings: object) {
  try {
    return parseRecipe(recipeOf(adapter, settings));
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

test("each setting of the optimiser is tried below", () => {
  const tried = new Set(Object.values(changes).flatMap((each) => Object.keys(each)));
  expect([...tried, ...others, ...watching, ...exact, ...onGpu].sort()).toEqual(
    Object.keys(trainSchema().shape).sort(),
  );
});

/** QLoRA, which needs a base in 4 bits, is LoRA here. */
const methods = Object.entries(methodsAlone).filter(([, { onNf4 }]) => !onNf4);
/** One of each kind: the others differ in what is trained, not in how. */
const withSgd = ["lora", "lora+", "scalora-i", "relora", "flora", "full"];

for (const [name, { options }] of methods)
  for (const optimizer of withSgd.includes(name) ? (["adamw", "sgd"] as const) : (["adamw"] as const))
    test(`${name} with ${optimizer}: each setting of the optimiser changes the run, or is refused`, async () => {
      const adapter = options(2);
      const plain = await endOf(adapter, { optimizer });
      expect(await endOf(adapter, { optimizer }), "the same run twice").toEqual(plain);
      const refused: string[] = [];
      for (const [key, value] of Object.entries(changes[optimizer])) {
        const end = await endOf(adapter, { optimizer, [key]: value });
        if (end === "refused") refused.push(key);
        else expect(end, key).not.toEqual(plain);
      }
      expect(refused).toEqual(withoutEffect[optimizer]);
    });

test.each(methods)(
  "%s: weight decay shortens all that is trained but biases and norms, by rate times decay",
  (_, { options }) => {
    using model = new TinyLM();
    using adapters = attach(model, options(2), 5);
    const trainables = adapters.trainables();
    using generator = new torch.Generator(1, "cpu");
    torch.noGrad(() => {
      for (const { value } of trainables) torch.normal_(value, { generator });
    });
    const before = trainables.map(({ value }) => value.toFloats());
    using optimizer = new AdamW(trainables, { weightDecay: 0.5 });
    optimizer.step(0.1);
    for (const [{ name: at, value, lrFactor = 1 }, start] of zip(trainables, before)) {
      const kept = /bias|norm/.test(at) ? 1 : 1 - 0.05 * lrFactor;
      const expected = [...start].map((number) => expect.closeTo(kept * number, 6));
      expect([...value.toFloats()], at).toEqual(expected);
    }
  },
);
