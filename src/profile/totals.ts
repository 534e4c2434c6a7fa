import type { ProfileEvent } from "../run/profile-event.ts";
import type { Recording } from "../torch/index.ts";
import { required } from "../util/elements.ts";
import { type AttributedEvent, isOperator, shownName } from "./attribute.ts";

/** The figures of a profile, without what identifies it. */
export type Figures = Omit<ProfileEvent, "type" | "step" | "steps" | "warmUp" | "microBatches">;

/** A step that was recorded. */
export interface RecordedStep extends Omit<Recording, "events" | "eventCount"> {
  readonly step: number;
  readonly events: readonly AttributedEvent[];
  /** CPU seconds of all threads of the process. */
  readonly processCpu: number;
}

/** The means over some steps. */
export function figuresOf(steps: readonly RecordedStep[]): Figures {
  const mean = (of: (step: RecordedStep) => number) =>
    steps.reduce((sum, step) => sum + of(step), 0) / steps.length;
  const waits = new Map(steps.map((step) => [step, waitOf(step)]));
  const meanWait = (key: keyof Wait) => mean((step) => waits.get(step)?.[key] ?? 0);
  const events = steps.flatMap((step) => step.events);
  return {
    seconds: mean(({ duration }) => duration),
    operators: meanWait("operators"),
    stalled: meanWait("stalled"),
    javascript: meanWait("javascript"),
    idle: meanWait("idle"),
    cpu: mean(({ processCpu }) => processCpu),
    phases: phasesOf(events, steps.length),
    byOperator: operatorsOf(events, steps.length),
    byModule: modulesOf(events, steps.length),
  };
}

interface Wait {
  operators: number;
  stalled: number;
  javascript: number;
  idle: number;
}

/** What a step's time was, in seconds: with an operator running, and without. */
function waitOf(step: RecordedStep): Wait {
  const outermost = step.events.filter(({ isOutermost }) => isOutermost);
  const main = mainThread(step);
  let [operators, until, stalled, mainCpu] = [0, 0, 0, 0];
  for (const { begin, duration, cpu, thread } of outermost) {
    const end = begin + duration;
    operators += Math.max(0, end - Math.max(begin, until));
    until = Math.max(until, end);
    stalled += Math.max(0, duration - cpu);
    if (thread === main) mainCpu += cpu;
  }
  const rest = step.duration - operators;
  const javascript = Math.min(rest, Math.max(0, step.cpu - mainCpu));
  return { operators, stalled, javascript, idle: rest - javascript };
}

/** The thread that ran JavaScript, as every step has a phase. */
export const mainThread = ({ events }: RecordedStep) =>
  required(
    events.find(({ kind }) => kind === "phase"),
    "the first phase",
  ).thread;

function phasesOf(events: readonly AttributedEvent[], steps: number): Figures["phases"] {
  const totals = new Map<string, { seconds: number; outside: Times }>();
  for (const event of events) {
    const total = entryOf(totals, event.owner.phase, () => ({ seconds: 0, outside: noTime() }));
    if (event.kind === "phase") total.seconds += event.duration / steps;
    else if (isOperator(event) && event.owner.module === undefined) addSelf(total.outside, event, steps);
  }
  return [...totals].map(([name, total]) => ({ name, ...total }));
}

function operatorsOf(events: readonly AttributedEvent[], steps: number): Figures["byOperator"] {
  const totals = new Map<string, Times & { calls: number }>();
  for (const event of events.filter(isOperator)) {
    const total = entryOf(totals, shownName(event.name), () => ({ calls: 0, ...noTime() }));
    total.calls += 1 / steps;
    addSelf(total, event, steps);
  }
  return [...totals].map(([name, total]) => ({ name, ...total })).sort((a, b) => b.cpu - a.cpu);
}

function modulesOf(events: readonly AttributedEvent[], steps: number): Figures["byModule"] {
  const totals = new Map<string, { forward: Times; backward: Times }>();
  for (const event of events) {
    const { module, phase } = event.owner;
    if (module === undefined) continue;
    const total = entryOf(totals, module, () => ({ forward: noTime(), backward: noTime() }));
    if (isOperator(event)) addSelf(total[phase === "backward" ? "backward" : "forward"], event, steps);
  }
  return [...totals].map(([path, total]) => ({ path, ...total }));
}

interface Times {
  seconds: number;
  cpu: number;
}

const noTime = (): Times => ({ seconds: 0, cpu: 0 });

/** Adds an operator's own time of one of the steps to their mean. */
function addSelf(total: Times, { self }: AttributedEvent, steps: number): void {
  total.seconds += self.duration / steps;
  total.cpu += self.cpu / steps;
}

function entryOf<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
