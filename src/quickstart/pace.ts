import { attachParsed } from "../adapters/index.ts";
import { collate, type Example } from "../data/index.ts";
import type { CausalLM } from "../nn/index.ts";
import { scope } from "../torch/index.ts";
import { objectiveOf } from "../train/objective.ts";
import { elementAt } from "../util/elements.ts";
import { formatCountOf, formatDuration } from "../util/format.ts";
import type { Demo, Pace, Training } from "./demo.ts";
import { makeRecipe, type RunPaths } from "./recipe.ts";

/** Work of a quickstart that can be shortened: steps of each method, and exercises of the test. */
export interface Work {
  readonly steps: number;
  readonly tests: number;
}

/** What was measured on this machine, in seconds. */
export interface Probe {
  /** Opening the model. */
  readonly open: number;
  /** Forward and backward pass of one step. */
  readonly step: number;
  /** Answering the watched exercises. */
  readonly watch: number;
}

/** The fastest of two passes counts: the first one also makes kernels. */
const probedPasses = 2;

/** Times the forward and backward pass of one step with the demo's first method; the model stays as it is. */
export function measureStep(
  job: Demo,
  model: CausalLM,
  examples: readonly Example[],
  paths: RunPaths,
  seed: number,
): number {
  const { adapter } = makeRecipe(job, elementAt(job.methods, 0), paths, seed);
  using adapters = attachParsed(model, adapter, seed);
  const batch = collate(examples.slice(0, job.training.batchSize));
  const times = Array.from({ length: probedPasses }, () => {
    const started = performance.now();
    scope(() => objectiveOf(model).lossSum(batch).backward());
    adapters.zeroGrad();
    return (performance.now() - started) / 1000;
  });
  return Math.min(...times);
}

/** A test of one exercise takes so many times a row's share of a step: a forward pass, and generation where it is wrong. */
const [passShare, generationShare] = [0.5, 0.5];
/** Of a trained model's answers, how many are wrong and so generated, at most as a rule. */
const wrongShare = 0.2;
/** Passes that a run makes to measure its memory, in steps, and what else a method and the export take, in openings of the model. */
const [memoryPasses, opensPerMethod, opensOfExport] = [1.5, 4.5, 3];

/** What of a quickstart, besides its work, the time follows from. */
interface Extent {
  readonly methods: number;
  readonly training: Pick<Training, "batchSize" | "evaluations">;
  /** Rows of an evaluation. */
  readonly validation: number;
  readonly pace: Pace;
}

/** Seconds that the rest of a quickstart takes after its probe. */
export function estimateSeconds(
  { methods, training, validation, pace }: Extent,
  { open, step, watch }: Probe,
  { steps, tests }: Work,
): number {
  const row = step / training.batchSize;
  const evaluations = training.evaluations * validation * row * passShare;
  const testBefore = pace.testsBefore * row * (passShare + generationShare);
  const test = tests * row * (passShare + wrongShare * generationShare);
  const method =
    opensPerMethod * open + (memoryPasses + steps) * step + evaluations + pace.at.length * watch + test;
  return testBefore + methods * method + opensOfExport * open;
}

/** The most work, in proportion, that `pace` allows; never less than its least. */
export function chooseWork(pace: Pace, full: Work, secondsOf: (work: Work) => number): Work {
  const most = secondsOf(full);
  if (most <= pace.seconds) return full;
  const [low, least] = [secondsOf(pace.least), pace.least];
  const share = Math.max(0, Math.min(1, (pace.seconds - low) / (most - low)));
  const between = (a: number, b: number) => Math.floor(a + share * (b - a));
  return { steps: between(least.steps, full.steps), tests: between(least.tests, full.tests) };
}

/** Says how long it takes, and what was left out to take no longer. */
export function workText(
  { steps, tests }: Work,
  full: Work,
  secondsOf: (work: Work) => number,
  item: string,
): string {
  const about = (work: Work) => `about ${formatDuration(Math.round(secondsOf(work)))}`;
  if (steps === full.steps && tests === full.tests)
    return `On this machine it takes ${about(full)} from here.`;
  return (
    `On this machine it would take ${about(full)} from here. It is shortened to ${about({ steps, tests })}: ` +
    `${formatCountOf(steps, "step")} instead of ${full.steps}, ${tests} ${item} in the test instead of ${full.tests}. ` +
    "Expect fewer right answers and wider intervals."
  );
}
