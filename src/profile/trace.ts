import { elementAt } from "../util/elements.ts";
import { streamFileAtomic, writeFully } from "../util/files.ts";
import { type AttributedEvent, shownName } from "./attribute.ts";
import { mainThread, type RecordedStep } from "./totals.ts";

/** Characters written at once. */
const pieceLength = 1 << 20;

/** Writes steps as a Chrome trace, which chrome://tracing and Perfetto show. Its times begin with the first step. */
export function writeTrace(path: string, steps: readonly RecordedStep[]): void {
  streamFileAtomic(path, (descriptor) => {
    let piece = '{"displayTimeUnit":"ms","traceEvents":[\n';
    let separator = "";
    for (const line of traceLines(steps)) {
      piece += separator + JSON.stringify(line);
      separator = ",\n";
      if (piece.length < pieceLength) continue;
      writeFully(descriptor, Buffer.from(piece));
      piece = "";
    }
    writeFully(descriptor, Buffer.from(`${piece}\n]}\n`));
  });
}

function* traceLines(steps: readonly RecordedStep[]): Generator<object> {
  const pid = process.pid;
  const first = elementAt(steps, 0);
  const threads = new Set<number>();
  for (const step of steps) {
    const span = (tid: number, begin: number, duration: number) => ({
      ph: "X",
      pid,
      tid,
      ts: microseconds(step.begin - first.begin + begin),
      dur: microseconds(duration),
    });
    yield { name: `step ${step.step}`, cat: "step", ...span(mainThread(step), 0, step.duration) };
    for (const event of step.events) {
      threads.add(event.thread);
      const { kind, thread, begin, duration } = event;
      yield { name: shownName(event.name), cat: kind, ...span(thread, begin, duration), ...details(event) };
    }
  }
  for (const tid of threads) {
    const name = tid === mainThread(first) ? "main" : "backward";
    yield { name: "thread_name", ph: "M", pid, tid, args: { name } };
  }
}

/** Whole nanoseconds. */
const microseconds = (seconds: number) => Math.round(seconds * 1e9) / 1e3;

function details({ kind, owner, sequence }: AttributedEvent): { args?: object } {
  if (kind === "phase" || kind === "module") return {};
  const args = {
    ...(owner.module !== undefined && { module: owner.module }),
    ...(sequence >= 0 && { sequence }),
  };
  return Object.keys(args).length === 0 ? {} : { args };
}
