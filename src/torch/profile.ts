import { native } from "../native/load.ts";
import { elementAt } from "../util/elements.ts";

/**
 * What an event of a recording is: an operator, a node of the backward pass, or a label, which is a phase of a step or a
 * module's forward pass.
 */
export type EventKind = "operator" | "node" | "phase" | "module";
const kinds: readonly EventKind[] = ["operator", "node", "phase", "module"];

/** One event of a recording. Times are in seconds. */
export interface OperatorEvent {
  readonly kind: EventKind;
  readonly name: string;
  /** Number of the thread, as libtorch counts them. */
  readonly thread: number;
  /** Index of the event within which this one is, on the same thread; −1 without one. */
  readonly parent: number;
  /** Since the start of the recording. */
  readonly begin: number;
  readonly duration: number;
  /** CPU time of its thread. */
  readonly cpu: number;
  /** The next number in autograd's sequence at its begin, or a node's own; −1 without one. */
  readonly sequence: number;
  /** The next number at the end of a label: its nodes are those from `sequence` to before this one; −1 for an operator. */
  readonly sequenceEnd: number;
}

/** What was recorded, in seconds. */
export interface Recording {
  /** In the order of their beginnings. */
  readonly events: Iterable<OperatorEvent>;
  readonly eventCount: number;
  /** When it started, on the system's monotonic clock. */
  readonly begin: number;
  readonly duration: number;
  /** CPU time of the thread that recorded. */
  readonly cpu: number;
}

/**
 * Begins to record the operators that this thread runs, and those of its backward passes on other threads. Results stay the
 * same, bit for bit. One recording at a time in a process; `endRecording` ends it.
 */
export function startRecording(): void {
  native().startProfile();
}

/** Labels what follows in the recording, until `endLabel`. Labels nest. */
export function beginLabel(kind: "phase" | "module", name: string): void {
  native().beginLabel(name, kinds.indexOf(kind));
}

/** Ends the label that began last. */
export function endLabel(): void {
  native().endLabel();
}

/** Ends the recording, and with it the labels that are open. */
export function endRecording(): Recording {
  const [names, buffer, begin, duration, cpu] = native().endProfile();
  const rows = new Float64Array(buffer);
  return {
    events: { [Symbol.iterator]: () => eventsOf(names, rows) },
    eventCount: rows.length / fields,
    begin: begin / nanoseconds,
    duration: duration / nanoseconds,
    cpu: cpu / nanoseconds,
  };
}

/** Numbers of an event in the addon's buffer. */
const fields = 9;
const nanoseconds = 1e9;

function* eventsOf(names: readonly string[], rows: Float64Array): Generator<OperatorEvent> {
  for (let at = 0; at < rows.length; at += fields) {
    const [
      kind = 0,
      name = 0,
      thread = 0,
      parent = -1,
      begin = 0,
      duration = 0,
      cpu = 0,
      sequence = -1,
      end = -1,
    ] = rows.subarray(at, at + fields);
    yield {
      kind: elementAt(kinds, kind),
      name: elementAt(names, name),
      thread,
      parent,
      sequence,
      sequenceEnd: end,
      begin: begin / nanoseconds,
      duration: duration / nanoseconds,
      cpu: cpu / nanoseconds,
    };
  }
}
