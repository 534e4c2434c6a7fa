import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { readEvents } from "../../src/run/read-events.ts";
import { listCheckpoints } from "../../src/train/checkpoints/read-checkpoint.ts";
import { messageOf } from "../../src/util/errors.ts";
import { hashFile } from "../../src/util/files.ts";

/** What a run comes to, without what may differ from one time to the next. */
export interface Outcome {
  /** Hash of each file of each checkpoint; a file that holds times as its text without them. */
  readonly checkpoints: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Losses, rates, norms and texts of the record. */
  readonly events: readonly string[];
}

/** Reads what a run's folder has come to. */
export function outcomeOf(run: string): Outcome {
  const checkpoints = listCheckpoints(join(run, "checkpoints")).map(({ path, step }) => {
    const files = statSync(path).isDirectory() ? readdirSync(path).sort() : [];
    return [
      String(step),
      Object.fromEntries(files.map((name) => [name, readContent(join(path, name), name)])),
    ];
  });
  return { checkpoints: Object.fromEntries(checkpoints), events: eventsOf(run) };
}

function readContent(path: string, name: string): string {
  try {
    return contentOf(path, name);
  } catch (error) {
    // A damage that a resume left alone, as it went on from a newer checkpoint.
    return messageOf(error);
  }
}

function contentOf(path: string, name: string): string {
  if (name === "state.json") return withoutTimes(JSON.parse(readFileSync(path, "utf8")));
  if (name !== "manifest.json") return hashFile(path);
  const { files: _, sha256: __, ...manifest } = JSON.parse(readFileSync(path, "utf8"));
  return JSON.stringify(sorted(manifest));
}

const withoutTimes = ({ seconds: _, time: __, memory: ___, ...rest }: Record<string, unknown>) =>
  JSON.stringify(rest);

/** The keys of a recipe come in another order from a file than from another file. */
const sorted = (manifest: Record<string, unknown>) => ({
  ...manifest,
  adapter: Object.entries(Object(manifest["adapter"])).sort(([a], [b]) => (a < b ? -1 : 1)),
});

/** The figures of a run, not what the processes did one after another. */
const lasting: ReadonlySet<string> = new Set(["step", "eval", "method", "sample", "rank"]);

/** By step; what belongs to the start may be recorded by a later process. */
const eventsOf = (run: string) =>
  existsSync(join(run, "events.jsonl"))
    ? readEvents(run)
        .filter(({ type }) => lasting.has(type))
        .sort((a, b) => a.step - b.step || (a.type === b.type ? 0 : a.type < b.type ? -1 : 1))
        .map((event) => withoutTimes({ ...event }))
    : [];

/** The differences of two outcomes, a line each; none where they are equal. */
export function differences(found: Outcome, expected: Outcome): string[] {
  const lines: string[] = [];
  const steps = new Set([...Object.keys(found.checkpoints), ...Object.keys(expected.checkpoints)]);
  for (const step of steps) {
    const [one, other] = [found.checkpoints[step], expected.checkpoints[step]];
    if (!one || !other) lines.push(`step ${step}: ${one ? "not expected" : "missing"}`);
    else
      for (const name of new Set([...Object.keys(one), ...Object.keys(other)]))
        if (one[name] !== other[name]) lines.push(`step ${step}: ${name} differs`);
  }
  if (found.events.length !== expected.events.length)
    lines.push(`${found.events.length} events, ${expected.events.length} expected`);
  const first = found.events.findIndex((event, i) => event !== expected.events[i]);
  if (first >= 0) lines.push(`event ${first}: ${found.events[first]} instead of ${expected.events[first]}`);
  return lines;
}

/** The differences of last checkpoint and record alone: an older checkpoint that is damaged, or cannot be read, is removed. */
export function endDifferences(found: Outcome, expected: Outcome): string[] {
  const last = String(Math.max(...Object.keys(expected.checkpoints).map(Number)));
  const only = ({ checkpoints, events }: Outcome) => ({
    checkpoints: { [last]: checkpoints[last] ?? {} },
    events,
  });
  return differences(only(found), only(expected));
}
