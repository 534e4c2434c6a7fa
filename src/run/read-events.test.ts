import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { ScaloraError } from "../util/errors.ts";
import { eventSchemas, eventsOfType } from "./events.ts";
import { EventCollector, readEvents } from "./read-events.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "scalora-events-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const time = "2026-01-01T00:00:00.000Z";
const line = (fields: object) => JSON.stringify({ time, step: 1, ...fields });
const format = line({ type: "format", version: 1 });
const warning = (message: string) => line({ type: "warning", message });
const pause = line({ type: "pause" });

/** What the reader makes of a record of these lines. */
function read(...lines: string[]) {
  writeFileSync(join(folder, "events.jsonl"), lines.join("\n"));
  return readEvents(folder);
}

/** Why the reader refuses a record of these lines; `where` without the folder. */
function refused(...lines: string[]) {
  try {
    read(...lines);
  } catch (error) {
    if (!(error instanceof ScaloraError)) throw error;
    const { code, expected, found } = error;
    return { code, where: error.where?.replace(`${folder}/`, ""), expected, found };
  }
  throw new Error("nothing was thrown");
}

test("the page of the format shows a line of every type, and the reader takes each", () => {
  const page = readFileSync(new URL("../../docs/run-folder.md", import.meta.url), "utf8");
  const [format = "", lines = ""] = [...page.matchAll(/```jsonl\n([\s\S]*?)```/g)].map(
    (match) => match[1] ?? "",
  );
  for (const type of Object.keys(eventSchemas)) {
    const example = lines.split("\n").find((one) => one.includes(`"type":"${type}"`)) ?? "";
    expect(read(format.trim(), example)).toMatchObject([{ type }]);
  }
});

test("events have the types of their schemas; a number that is not finite is NaN", () => {
  const evaluation = {
    type: "eval",
    loss: null,
    labelTokens: 5,
    best: true,
    seconds: 1,
    metrics: { f1: 0.5 },
  };
  const events = read(format, warning("a"), line(evaluation), warning("b"));
  expect(eventsOfType(events, "warning").map(({ message }) => message)).toEqual(["a", "b"]);
  expect(eventsOfType(events, "eval")).toEqual([{ ...evaluation, time, step: 1, loss: Number.NaN }]);
});

test("a method's own fields come beside those that readers know", () => {
  const report = { alpha: [1, 2, 3], ownFigure: { a: [1, "b", null] } };
  expect(read(line({ type: "method", report }))).toEqual([{ type: "method", time, step: 1, report }]);
});

test("types and fields that this version does not know are left out", () => {
  const lines = [line({ type: "tracker", url: "x" }), line({ type: "pause", by: "a person" })];
  expect(read(format, ...lines)).toEqual([{ type: "pause", time, step: 1 }]);
});

test("there need be no file, and no line that says the version", () => {
  expect(readEvents(folder)).toEqual([]);
  expect(read("", pause, "")).toHaveLength(1);
});

test("a newer version is told from damage, whatever its lines look like", () => {
  expect(refused(line({ type: "format", version: 2 }), line({ type: "step" }), "}{")).toEqual({
    code: "format",
    where: "events.jsonl:1",
    expected: "version 1",
    found: "version 2",
  });
});

test.each([
  [[pause, '{"time":', pause], "2", "JSON", JSON.stringify('{"time":')],
  [[pause, "3", pause], "2", "object", "3"],
  [["[]"], "1", "object", "[]"],
  [[format, line({ type: 7 })], "2: type", "string", "7"],
  [[line({ type: "pause", time: 5 })], "1: pause.time", "string", "5"],
  [[line({ type: "pause", step: "1" })], "1: pause.step", "number", '"1"'],
  [[line({ type: "eval", loss: "low" })], "1: eval.loss", "number or null", '"low"'],
  [
    [line({ type: "rank", layers: [{ path: "q", rank: 1 }] })],
    "1: rank.layers.0.entropyRank",
    "number or null",
    "nothing",
  ],
  [[line({ type: "method", report: { alpha: 1 } })], "1: method.report.alpha", "array", "1"],
  [[line({ type: "format", version: "1" })], "1: format.version", "number", '"1"'],
])("damage is named: %j", (lines, place, expected, found) => {
  expect(refused(...lines)).toEqual({ code: "format", where: `events.jsonl:${place}`, expected, found });
});

const start = line({
  type: "start",
  step: 5,
  totalSteps: 9,
  method: "lora",
  parameters: { trainable: 1, all: 2 },
  model: { path: "m", family: "llama", layers: 1, hiddenSize: 2, vocabSize: 3 },
  data: {},
  environment: {},
});

test.each([
  ["nothing"],
  ["resume", line({ type: "resume", checkpoint: "c" })],
  ["start", start],
  ["warning", warning("again")],
  ["end", line({ type: "end", reason: "failed", seconds: 1 })],
])("a line that a crash cut off is passed over before %s", (_, ...next) => {
  expect(read(format, pause, pause.slice(0, 20), ...next)).toHaveLength(1 + next.length);
});

test("a record that cannot be read is not an empty one", () => {
  const run = join(folder, "unreadable");
  mkdirSync(run);
  expect(readEvents(run)).toEqual([]);
  mkdirSync(join(run, "events.jsonl"));
  expect(() => readEvents(run)).toThrow(
    refusal("run", { where: join(run, "events.jsonl"), found: "a folder, not a file", fix: /readable/ }),
  );
});

test("a resume removes what it supersedes, wherever it stands in the record", () => {
  const events = read(
    format,
    line({ type: "warning", step: 0, message: "first" }),
    line({ type: "pause", step: 4 }),
    line({ type: "end", step: 4, reason: "failed", seconds: 1 }),
    line({ type: "pause", step: 1 }),
    line({ type: "warning", step: 0, message: "again" }),
    line({ type: "resume", step: 3, checkpoint: "c" }),
    line({ type: "end", step: 3, reason: "failed", seconds: 1 }),
    line({ type: "warning", step: 0, message: "once more" }),
    line({ type: "resume", step: 2, checkpoint: "c" }),
    line({ type: "pause", step: 3 }),
  );
  expect(events.map(({ type, step }) => `${type} ${step}`)).toEqual([
    ...["warning 0", "pause 1", "warning 0", "warning 0", "resume 2", "pause 3"],
  ]);
});

test.each([
  ["resumes", line({ type: "pause", step: 9 }), line({ type: "resume", step: 9, checkpoint: "c" })],
  ["restarts", line({ type: "warning", step: 0, message: "w" }), start.replace('"step":5', '"step":0')],
])("a record of many %s is read without looking at all events again for each", (_name, earlier, again) => {
  let looks = 0;
  const collector = new EventCollector("events.jsonl");
  for (let i = 0; i < 1000; i++) collector.add(earlier);
  for (const event of collector.events) {
    const { step } = event;
    Object.defineProperty(event, "step", {
      get: () => {
        looks += 1;
        return step;
      },
    });
  }
  for (let i = 0; i < 1000; i++) collector.add(again);
  expect(looks).toBeLessThan(10_000);
});
