import { join } from "node:path";
import type { Module } from "../nn/index.ts";
import type { ProfileEvent } from "../run/profile-event.ts";
import type { RunFolder } from "../run/run-folder.ts";
import { beginLabel, endLabel, endRecording, type Recording, startRecording } from "../torch/index.ts";
import type { StepPhase, StepProfiler } from "../train/step-profiler.ts";
import { cannotWrite } from "../util/cannot-write.ts";
import { elementAt } from "../util/elements.ts";
import { writeFileAtomic } from "../util/files.ts";
import { attribute } from "./attribute.ts";
import { labelModules } from "./label-modules.ts";
import { profileText } from "./profile-text.ts";
import { figuresOf, type RecordedStep } from "./totals.ts";
import { writeTrace } from "./trace.ts";

/** Names of a profile's files in the run's folder. */
const profileFiles = { trace: "trace.json", table: "profile.txt" } as const;

/** Steps before the first one that is profiled: they load code and fill caches. */
const warmUpSteps = 2;
/** Steps that are profiled. */
const profiledSteps = 3;
/** Micro-batches of a step that are recorded: each of a model with many layers has some 50,000 events. */
const mostMicroBatches = 16;
/** Once so many events are recorded, no further step is. */
const enoughEvents = 200_000;

/**
 * Profiles three steps of a training after two to warm up, or what a shorter one has of them, and writes a trace and a table
 * into the run's folder.
 */
export class RunProfiler implements StepProfiler, Disposable {
  private readonly model: Module;
  private readonly folder: RunFolder;
  private readonly taken: { step: number; recording: Recording; cpu: number }[] = [];
  /** Which steps to profile; undefined before the first step of the process. */
  private plan: Plan | undefined;
  /** The step that is being recorded. */
  private current: Current | undefined;
  /** Whether a step had more micro-batches than are recorded. */
  private isPartial = false;
  private isReported = false;

  constructor(model: Module, folder: RunFolder) {
    this.model = model;
    this.folder = folder;
  }

  get isRecording(): boolean {
    return this.current !== undefined;
  }

  beforeStep(step: number, totalSteps: number): void {
    this.plan ??= planOf(step, totalSteps);
    if (step < this.plan.first || this.isReported || this.isComplete()) return;
    const removeLabels = labelModules(this.model);
    this.current = { step, cpu: process.cpuUsage(), removeLabels, microBatches: 0 };
    startRecording();
    beginLabel("phase", "data");
  }

  beginPhase(phase: StepPhase): void {
    const { current } = this;
    if (current === undefined) return;
    if (phase === "forward" && ++current.microBatches > mostMicroBatches) {
      this.isPartial = true;
      this.afterStep();
      return;
    }
    endLabel();
    beginLabel("phase", phase);
  }

  afterStep(): void {
    const { current } = this;
    if (current === undefined) return;
    const recording = this.stop();
    const { user, system } = process.cpuUsage(current.cpu);
    this.taken.push({ step: current.step, recording, cpu: (user + system) / 1e6 });
  }

  report(hasEnded: boolean): ProfileEvent | undefined {
    const { plan, taken } = this;
    const isDue = !this.isReported && taken.length > 0 && (hasEnded || this.isComplete());
    if (!isDue || plan === undefined) return undefined;
    this.isReported = true;
    const steps: RecordedStep[] = taken.splice(0).map(({ step, recording, cpu }) => {
      const { events, ...times } = recording;
      return { step, ...times, events: attribute([...events]), processCpu: cpu };
    });
    const numbers = steps.map(({ step }) => step);
    const step = elementAt(numbers, numbers.length - 1);
    const event = {
      type: "profile" as const,
      step,
      steps: numbers,
      warmUp: plan.warmUp,
      ...(this.isPartial && { microBatches: mostMicroBatches }),
      ...figuresOf(steps),
    };
    this.write(event, steps);
    return event;
  }

  /** Ends a recording that a failed step has left. */
  [Symbol.dispose](): void {
    if (this.current !== undefined) this.stop();
  }

  private stop(): Recording {
    this.current?.removeLabels();
    this.current = undefined;
    return endRecording();
  }

  private isComplete(): boolean {
    const events = this.taken.reduce((sum, { recording }) => sum + recording.eventCount, 0);
    return this.taken.length >= (this.plan?.count ?? profiledSteps) || events >= enoughEvents;
  }

  private write(event: ProfileEvent, steps: readonly RecordedStep[]): void {
    this.folder.assertHeld();
    const folder = this.folder.path;
    try {
      writeTrace(join(folder, profileFiles.trace), steps);
      writeFileAtomic(join(folder, profileFiles.table), `${profileText(event, { isWhole: true })}\n`);
    } catch (cause) {
      throw cannotWrite("The profile cannot be written", folder, { cause });
    }
  }
}

interface Current {
  readonly step: number;
  /** CPU time of the process at its begin. */
  readonly cpu: NodeJS.CpuUsage;
  removeLabels(): void;
  /** Those that have begun. */
  microBatches: number;
}

interface Plan {
  readonly warmUp: number;
  /** The first step to profile. */
  readonly first: number;
  /** How many steps to profile. */
  readonly count: number;
}

/** @param step the first step of the process */
function planOf(step: number, totalSteps: number): Plan {
  const left = totalSteps - step + 1;
  const warmUp = Math.min(warmUpSteps, left - 1);
  return { warmUp, first: step + warmUp, count: Math.min(profiledSteps, left - warmUp) };
}
