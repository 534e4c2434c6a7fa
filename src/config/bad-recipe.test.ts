import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { ConfigIssue } from "../schema/config-issue.ts";
import { minimal, recipeFolder } from "./testing/recipe-folder.ts";

const { path: folder, problems, remove } = recipeFolder();
afterAll(remove);

/** Bad input: what is put in, the key it is about, and exact fields of its issue. */
const badInput: {
  name: string;
  set: string[];
  key: string;
  issue: Partial<Record<keyof ConfigIssue, unknown>>;
}[] = [
  {
    name: "unknown key",
    set: ["train.learningRat=1e-3"],
    key: "train.learningRat",
    issue: { problem: "unknown key", found: "learningRat" },
  },
  {
    name: "one label, which would be a regression",
    set: ["model.labels=[praise]"],
    key: "model.labels",
    issue: {
      expected: "a number of classes (1 for a regression), or a list of two names or more",
      found: '["praise"]',
    },
  },
  {
    name: "unknown key, near",
    set: ["adapter.rnak=4"],
    key: "adapter.rnak",
    issue: { problem: "unknown key", fix: "did you mean rank?" },
  },
  {
    name: "key of another tool",
    set: ["adapter.r=4"],
    key: "adapter.r",
    issue: { problem: "unknown key", fix: "did you mean rank?" },
  },
  {
    name: "no space after a colon",
    set: ["train={steps:20}"],
    key: "train.steps:20",
    issue: { problem: "unknown key", fix: "write a space after the colon: steps: 20" },
  },
  {
    name: "no space after the colon of an option with a value of its own kind",
    set: ["adapter={method: scalora, policy: paper, scale: {lipschitz:0}}"],
    key: "adapter.scale",
    issue: { problem: "wrong value", fix: "write a space after the colon: lipschitz: 0" },
  },
  { name: "no space, one key", set: ["run=a:b"], key: "run", issue: { fix: expect.stringMatching(/a: b/) } },
  {
    name: "unknown section",
    set: ["trian.lr=1"],
    key: "trian",
    issue: { problem: "unknown key", fix: "did you mean train?" },
  },
  {
    name: "unknown key in a list",
    set: ["data.train=[{path: chats.jsonl, wieght: 2}]"],
    key: "data.train[0].wieght",
    issue: { problem: "unknown key", fix: "did you mean weight?" },
  },
  {
    name: "text for a number",
    set: ["train.lr=fast"],
    key: "train.lr",
    issue: { expected: "a number above 0", found: '"fast" (text)' },
  },
  {
    name: "fraction for an integer",
    set: ["adapter.rank=2.5"],
    key: "adapter.rank",
    issue: { expected: "an integer, at least 1", found: "2.5" },
  },
  {
    name: "rank 0",
    set: ["adapter.rank=0"],
    key: "adapter.rank",
    issue: { expected: "an integer, at least 1", found: "0" },
  },
  {
    name: "infinite rate",
    set: ["train.lr=.inf"],
    key: "train.lr",
    issue: { expected: "a finite number above 0", found: ".inf" },
  },
  {
    name: "NaN",
    set: ["train.clip=.nan"],
    key: "train.clip",
    issue: { expected: "a finite number, at least 0", found: ".nan" },
  },
  {
    name: "seed beyond 2^53",
    set: ["train.seed=9007199254740993"],
    key: "train.seed",
    issue: { expected: "an integer, at least 0, at most 9007199254740991", found: "9007199254740993" },
  },
  {
    name: "steps beyond 2^53",
    set: ["train.steps=1e308"],
    key: "train.steps",
    issue: { expected: "an integer, at least 1, at most 9007199254740991", found: "1e308" },
  },
  {
    name: "seed beyond 2^53 in a section",
    set: ["train={lr: 0.1, seed: 99999999999999999999}"],
    key: "train.seed",
    issue: { expected: "an integer, at least 0, at most 9007199254740991", found: "99999999999999999999" },
  },
  {
    name: "null",
    set: ["train.lr="],
    key: "train.lr",
    issue: { expected: "a number above 0", found: "nothing (null)" },
  },
  {
    name: "unknown method",
    set: ["adapter.method=scalora_i"],
    key: "adapter.method",
    issue: {
      problem: "unknown method",
      expected: expect.stringMatching(/^lora, .* or full$/),
      found: '"scalora_i" (text)',
      fix: "did you mean scalora-i?",
    },
  },
  {
    name: "misspelled choice",
    set: ["train.schedule=cosin"],
    key: "train.schedule",
    issue: {
      expected: "constant, linear, cosine or polynomial",
      found: '"cosin" (text)',
      fix: "did you mean cosine?",
    },
  },
  {
    name: "adapter dropout",
    set: ["adapter.dropout=0.05"],
    key: "adapter.dropout",
    issue: { expected: "0", found: "0.05" },
  },
  {
    name: "rounding base",
    set: ["adapter.base=bfloat16"],
    key: "adapter.base",
    issue: { expected: "auto, exact, split or factored", found: '"bfloat16" (text)' },
  },
  {
    name: "rank of a base without factors",
    set: ["adapter.baseRank=64"],
    key: "adapter.baseRank",
    issue: { problem: "has no effect without base: factored", found: "64" },
  },
  {
    name: "factored base of less than one merge",
    set: ["adapter.base=factored", "adapter.baseRank=3", "adapter.rank=4"],
    key: "adapter.baseRank",
    issue: {
      problem: "is less than the rank of one merge",
      expected: "at least adapter.rank, 4",
      found: "3",
    },
  },
  {
    name: "merges into a quantised base",
    set: ["model.quantization=nf4"],
    key: "model.quantization",
    issue: { expected: expect.stringContaining("none, or a method on a frozen base"), found: "nf4" },
  },
  {
    name: "oracle over a factored base",
    set: ["adapter.policy=svd", "adapter.base=factored"],
    key: "adapter.base",
    issue: {
      problem: "does not go with policy svd, which works on full weights",
      expected: "auto or exact",
      found: '"factored" (text)',
    },
  },
  {
    name: "weight decay within the momentum of ScaLoRA",
    set: ["train.weightDecay=0.01", "train.optimizer=sgd", "train.momentum=0.9"],
    key: "train.weightDecay",
    issue: { expected: expect.stringContaining("momentum 0"), found: "0.01" },
  },
  {
    name: "option of another method",
    set: ["adapter.method=lora", "adapter.interval=5"],
    key: "adapter.interval",
    issue: { problem: "unknown key", fix: expect.stringContaining("lora has no interval") },
  },
  {
    name: "wrong scale",
    set: ["adapter.scale={columNorm: 1}"],
    key: "adapter.scale",
    issue: { expected: expect.stringContaining("{columnNorm: ρ}"), found: '{"columNorm":1}' },
  },
  {
    name: "negative scale",
    set: ["adapter.scale={lipschitz: -1}"],
    key: "adapter.scale.lipschitz",
    issue: { expected: "a number above 0", found: "-1" },
  },
  {
    name: "a model's name, misspelt",
    set: ["model.path=smollm2-135m-instuct"],
    key: "model.path",
    issue: {
      problem: "does not exist",
      expected: "a model folder, a GGUF file or the name of a fetched model",
      found: join(folder, "smollm2-135m-instuct"),
      // Where it is not fetched, how that is done follows.
      fix: expect.stringMatching(/^did you mean smollm2-135m-instruct\?/),
    },
  },
  {
    name: "a horizon with adaptive events",
    set: ["adapter.scale={horizon: 50}", "adapter.interval=adaptive"],
    key: "adapter.scale",
    issue: {
      expected: "preserve, {columnNorm: ρ} or {lipschitz: L} (or a number as interval)",
      found: '{"horizon":50}',
    },
  },
  {
    name: "interval 0",
    set: ["adapter.interval=0"],
    key: "adapter.interval",
    issue: { expected: "an integer, at least 1, or adaptive", found: "0" },
  },
  {
    name: "first event at step 1",
    set: ["adapter.firstEvent=1"],
    key: "adapter.firstEvent",
    issue: { expected: "an integer, at least 2", found: "1" },
  },
  {
    name: "moments kept over new factors",
    set: ["adapter.policy=svd", "adapter.moments=keep"],
    key: "adapter.moments",
    issue: { expected: "reset or transport", found: '"keep" (text)' },
  },
  {
    name: "transport without svd",
    set: ["adapter.moments=transport"],
    key: "adapter.moments",
    issue: {
      problem: "transport projects moments onto the new factors of policy svd",
      expected: "transfer, keep or reset (or policy: svd)",
      found: '"transport" (text)',
    },
  },
  {
    name: "broken regular expression",
    set: ["adapter.targetModules=['/layers.(/']"],
    key: "adapter.targetModules[0]",
    issue: {
      expected: expect.stringContaining("a regular expression between slashes"),
      found: '"/layers.(/" (text)',
    },
  },
  {
    name: "no target modules",
    set: ["adapter.targetModules=[]"],
    key: "adapter.targetModules",
    issue: { expected: "all-linear, a module name or /regular expression/, or a list of them", found: "[]" },
  },
  {
    name: "a tracker that is no list",
    set: ["run.reportTo=wandb"],
    key: "run.reportTo",
    issue: { found: '"wandb" (text)', fix: "write a list: [wandb]" },
  },
  {
    name: "trackers that are no list, one misspelled",
    set: ["run.reportTo=tensor-board, mlflow"],
    key: "run.reportTo",
    issue: { fix: "write a list: [tensorboard, mlflow]" },
  },
  {
    name: "a tracker that there is not",
    set: ["run.reportTo=neptune"],
    key: "run.reportTo",
    issue: { found: '"neptune" (text)' },
  },
  {
    name: "a prompt that is no list",
    set: ['run.samples="hello: you"'],
    key: "run.samples",
    issue: { fix: 'write a list: ["hello: you"]' },
  },
  {
    name: "misspelled word where a list may be",
    set: ["adapter.targetModules=all-linaer"],
    key: "adapter.targetModules",
    issue: { fix: "did you mean all-linear?" },
  },
  {
    name: "an override that is no YAML",
    set: ["run.name=[a"],
    key: "run.name",
    issue: {
      problem: expect.stringMatching(/^its value is no YAML/),
      fix: expect.stringContaining("--set 'run.name="),
    },
  },
  {
    name: "rank pattern with a fraction",
    set: ["adapter.rankPattern={q_proj: 1.5}"],
    key: "adapter.rankPattern.q_proj",
    issue: { expected: "an integer, at least 1", found: "1.5" },
  },
  {
    name: "steps and epochs",
    set: ["train.steps=5", "train.epochs=1"],
    key: "train.epochs",
    issue: { problem: "excludes train.steps", expected: "only one of steps and epochs" },
  },
  {
    name: "two batch sizes",
    set: ["train.batchSize=5", "train.batchTokens=100"],
    key: "train.batchTokens",
    issue: { problem: "excludes train.batchSize", expected: "only one of batchSize and batchTokens" },
  },
  {
    name: "momentum of adamw",
    set: ["train.momentum=0.9"],
    key: "train.momentum",
    issue: { problem: "has no effect with optimizer adamw", found: "0.9" },
  },
  {
    name: "betas of sgd",
    set: ["train.optimizer=sgd", "train.betas=[0.8, 0.9]"],
    key: "train.betas",
    issue: { problem: "has no effect with optimizer sgd", found: "[0.8,0.9]" },
  },
  {
    name: "one beta",
    set: ["train.betas=[0.9]"],
    key: "train.betas",
    issue: { expected: "two numbers, each from 0 up to, but without, 1", found: "[0.9]" },
  },
  {
    name: "warm-up of 1.5 steps",
    set: ["train.warmup=1.5"],
    key: "train.warmup",
    issue: { expected: expect.stringContaining("below 1"), found: "1.5" },
  },
  {
    name: "patience without evaluation",
    set: ["data.eval=none", "train.patience=3"],
    key: "train.patience",
    issue: {
      problem: "needs an evaluation set, and data.eval is none",
      found: "3",
      fix: expect.stringContaining("data.eval"),
    },
  },
  {
    name: "nothing held out",
    set: ["data.eval={holdOut: 0}"],
    key: "data.eval.holdOut",
    issue: { expected: expect.stringContaining("below 1"), found: "0" },
  },
  {
    name: "no training data",
    set: ["data.train=[]"],
    key: "data.train",
    issue: { expected: "a path, {path, weight}, or a list of these", found: "[]" },
  },
  {
    name: "missing data file",
    set: ["data.train=chat.jsonl"],
    key: "data.train",
    issue: {
      problem: "does not exist",
      expected: "a file",
      found: join(folder, "chat.jsonl"),
      fix: "did you mean chats.jsonl?",
    },
  },
  {
    name: "folder for a data file",
    set: ["data.eval=model"],
    key: "data.eval",
    issue: { problem: "is of the wrong kind", expected: "a file", found: join(folder, "model") },
  },
  {
    name: "missing model folder",
    set: ["model.path=modle"],
    key: "model.path",
    issue: {
      problem: "does not exist",
      expected: "a model folder, a GGUF file or the name of a fetched model",
      found: join(folder, "modle"),
      fix: "did you mean model?",
    },
  },
  {
    name: "missing adapter folder",
    set: ["adapter.from=old"],
    key: "adapter.from",
    issue: { problem: "does not exist", found: join(folder, "old") },
  },
  {
    name: "rank beside an adapter folder",
    set: ["adapter.from=model", "adapter.rank=4"],
    key: "adapter.rank",
    issue: { problem: "has no effect with adapter.from, whose folder has its own", found: "4" },
  },
  {
    name: "frequencies beside an adapter folder",
    set: ["adapter={method: fourierft, from: model, frequencies: 4}"],
    key: "adapter.frequencies",
    issue: { problem: "has no effect with adapter.from, whose folder has its own", found: "4" },
  },
  {
    name: "a warm-up as long as the stretch that it begins",
    set: ["adapter={method: relora, interval: 20, restartWarmup: 20}"],
    key: "adapter.restartWarmup",
    issue: { expected: "less than adapter.interval, 20", found: "20" },
  },
  {
    name: "unknown device",
    set: ["model.device=gpu"],
    key: "model.device",
    issue: { expected: "auto, cpu, mps, cuda or cuda:N", found: '"gpu" (text)' },
  },
  {
    name: "run name that leaves its folder",
    set: ["run.name=../x"],
    key: "run.name",
    issue: {
      expected: "letters, digits and . _ + = -, starting with a letter or digit",
      found: '"../x" (text)',
    },
  },
  {
    name: "more micro-batches than fit into memory",
    set: ["train.accumulate=1e12"],
    key: "train.accumulate",
    issue: { expected: "an integer from 1 to 100000", found: "1e12" },
  },
  {
    name: "more rows of a step than fit into memory",
    set: ["train.accumulate=1000", "train.batchSize=5000"],
    key: "train.batchSize",
    issue: { expected: "at most 4000000 rows a step", found: "5000 × 1000 rows" },
  },
  {
    name: "override without a value",
    set: ["train.lr"],
    key: "--set",
    issue: { problem: "wrong form", expected: "section.key=value", found: "train.lr" },
  },
  {
    name: "override of no YAML",
    set: ["train.lr=[1"],
    key: "train.lr",
    issue: { problem: expect.stringContaining("no YAML") },
  },
  {
    name: "override into a value",
    set: ["model.path.x=1"],
    key: "model.path",
    issue: { problem: "cannot be set into", expected: "a section (keys and values)" },
  },
  {
    name: "override into a value that may be a section",
    set: ["data.eval=none", "data.eval.holdOut=8"],
    key: "data.eval",
    issue: {
      problem: "cannot be set into",
      fix: "give its value as a whole: --set 'data.eval={holdOut: 8}'",
    },
  },
  {
    name: "override of a prototype",
    set: ["__proto__.x=1"],
    key: "__proto__",
    issue: { problem: "unknown key" },
  },
];

test.each(badInput)("refused: $name", ({ set, key, issue }) => {
  const error = problems(minimal, set);
  expect(error.exitCode).toBe(2);
  expect(error.issues).toEqual([expect.objectContaining({ key, ...issue })]);
  expect(set.map((override) => `--set ${override}`)).toContain(error.issues[0]?.where);
});
