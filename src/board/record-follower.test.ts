import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readEvents } from "../run/read-events.ts";
import { RecordFollower } from "./record-follower.ts";

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
