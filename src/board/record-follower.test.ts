import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readEvents } from "../run/read-events.ts";
import { RecordFollower, recordLimits } from "./record-follower.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "scalora-follow-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = () => join(folder, "events.jsonl");
const line = (type: string, step: number, more: object = {}) =>
  `${JSON.stringify({ time: "2026-01-01T00:00:00.000Z", type, step, ...more })}\n`;
const format = (version = 1) => line("format", 0, { version });
const steps = (follower: RecordFollower) => follower.events.map(({ type, step }) => `${type} ${step}`);

test("a growing record is read on, lines only when they are whole", async () => {
  const follower = new RecordFollower(folder);
  await follower.update();
  expect(follower).toMatchObject({ problem: null, version: 0 });
  writeFileSync(file(), format() + line("pause", 1));
  await follower.update();
  expect(steps(follower)).toEqual(["pause 1"]);
  const next = line("warning", 2, { message: "Grüße 🎈" });
  const bytes = Buffer.from(next);
  const { version } = follower;
  appendFileSync(file(), bytes.subarray(0, bytes.indexOf(0xf0) + 2));
  await follower.update();
  expect(follower.version).toBe(version);
  appendFileSync(file(), bytes.subarray(bytes.indexOf(0xf0) + 2));
  await Promise.all([follower.update(), follower.update()]);
  expect(follower.events).toEqual(readEvents(folder));
  expect(follower.events.at(-1)).toMatchObject({ message: "Grüße 🎈" });
});

test("a resume makes later events invalid, as for a reader of the whole file", async () => {
  const follower = new RecordFollower(folder);
  writeFileSync(file(), format() + [1, 2, 3].map((step) => line("pause", step)).join(""));
  await follower.update();
  appendFileSync(file(), `{"time": "cut o\n${line("resume", 2, { checkpoint: "c" })}${line("continue", 2)}`);
  await follower.update();
  expect(steps(follower)).toEqual(["pause 1", "pause 2", "resume 2", "continue 2"]);
  expect(follower.events).toEqual(readEvents(folder));
});

test("a shorter, replaced or removed file is read anew", async () => {
  const follower = new RecordFollower(folder);
  writeFileSync(file(), format() + line("pause", 1) + line("pause", 2));
  await follower.update();
  truncateSync(file(), Buffer.byteLength(format() + line("pause", 1)));
  await follower.update();
  expect(steps(follower)).toEqual(["pause 1"]);
  writeFileSync(join(folder, "new"), format() + [5, 6, 7].map((step) => line("continue", step)).join(""));
  renameSync(join(folder, "new"), file());
  await follower.update();
  expect(steps(follower)).toEqual(["continue 5", "continue 6", "continue 7"]);
  rmSync(file());
  await follower.update();
  expect(follower).toMatchObject({ problem: null, events: [] });
});

test("damage is told with its line, keeps what came before, and may be mended", async () => {
  const follower = new RecordFollower(folder);
  writeFileSync(file(), format() + line("pause", 1) + line("step", 2, { loss: "low" }) + line("pause", 3));
  await follower.update();
  expect(follower.problem).toMatch(/record is damaged[\s\S]*events\.jsonl:3: step\.loss/);
  expect(steps(follower)).toEqual(["pause 1"]);
  const { version } = follower;
  await follower.update();
  expect(follower.version).toBe(version);
  expect(follower.problem).not.toBeNull();
  writeFileSync(file(), format() + line("pause", 1) + line("pause", 3));
  await follower.update();
  expect(follower.problem).toBeNull();
  expect(steps(follower)).toEqual(["pause 1", "pause 3"]);
});

test("a newer version, and a record that cannot be read, are problems", async () => {
  writeFileSync(file(), format(2) + line("pause", 1));
  const follower = new RecordFollower(folder);
  await follower.update();
  expect(follower.problem).toContain("A newer scalora wrote this run's record");
  rmSync(file());
  mkdirSync(file());
  await follower.update();
  expect(follower.problem).toContain("The record cannot be read");
});

test("a record of many pieces is that of a reader of the whole", async () => {
  const message = "x".repeat(1000);
  writeFileSync(
    file(),
    format() + Array.from({ length: 3000 }, (_, i) => line("warning", i, { message })).join(""),
  );
  const follower = new RecordFollower(folder);
  await follower.update();
  expect(follower.events).toEqual(readEvents(folder));
});

test("a record that is too long is read to a limit once, says so, and is read anew when it is another", async () => {
  for (const limits of [
    { bytes: 500, events: 1000 },
    { bytes: 1e6, events: 3 },
  ]) {
    const follower = new RecordFollower(folder, limits);
    const more = Array.from({ length: 50 }, (_, i) => line("pause", 4 + i)).join("");
    writeFileSync(file(), format() + [1, 2, 3].map((step) => line("pause", step)).join(""));
    await follower.update();
    appendFileSync(file(), more);
    await follower.update();
    expect(follower.problem).toMatch(/^The run's record is too long for the board/);
    expect(steps(follower).slice(0, 3)).toEqual(["pause 1", "pause 2", "pause 3"]);
    const { version } = follower;
    const { length } = follower.events;
    appendFileSync(file(), more);
    await follower.update();
    expect(follower.version).toBe(version);
    expect(follower.events).toHaveLength(length);
    expect(follower.problem).not.toBeNull();
    writeFileSync(file(), format() + line("pause", 9));
    await follower.update();
    expect(follower).toMatchObject({ problem: null });
    expect(steps(follower)).toEqual(["pause 9"]);
  }
});

test("the records of a week's training are not too long", () => {
  const third = 1 / 3;
  const step = {
    loss: third,
    lr: third / 1e6,
    gradNorm: third,
    clipped: false,
    seconds: third,
    tokens: 100_000,
    labelTokens: 100_000,
    memory: 2 ** 40,
  };
  const steps = 1e6;
  expect(steps * line("step", steps, step).length).toBeLessThan(recordLimits.bytes / 1.5);
  expect(steps).toBeLessThan(recordLimits.events / 1.5);
});

test.each([
  ["a pipe", () => spawnSync("mkfifo", [file()])],
  ["a device without end", () => symlinkSync("/dev/zero", file())],
  ["a link to itself", () => symlinkSync(file(), file())],
])("%s as a record is a problem, and nothing waits", async (_, make) => {
  make();
  const follower = new RecordFollower(folder);
  await follower.update();
  expect(follower.problem).toContain("The record cannot be read");
  expect(follower.events).toEqual([]);
});

test.each([
  ["zeros", Buffer.alloc(1 << 21)],
  ["bytes that are no text", Buffer.from(`${"\xff\xfe\n".repeat(1000)}${line("pause", 1)}`, "latin1")],
  ["deep nesting", `${"[".repeat(1e5)}${"]".repeat(1e5)}\n${line("pause", 1)}`],
  ["keys of objects themselves", `{"__proto__":{"type":"pause"},"constructor":1}\n${line("pause", 1)}`],
])("a hostile record is a problem at most: %s", async (_, text) => {
  writeFileSync(file(), text);
  const follower = new RecordFollower(folder);
  await follower.update();
  expect(follower.events).toEqual([]);
  expect(Reflect.get({}, "type")).toBeUndefined();
});
