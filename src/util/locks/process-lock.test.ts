import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryFolder } from "../../testing/tiny-run.ts";
import { HeartbeatWatch } from "./lock-holder.ts";
import { currentPlace, currentProcess, isRunning, lifeOf } from "./process-identity.ts";
import { type LockTiming, ProcessLock, withLock } from "./process-lock.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

const purpose = { what: "at work", where: "here" };
const take = (path: string) => ProcessLock.take(path, purpose);

function plant(path: string, text: string): void {
  mkdirSync(path);
  writeFileSync(join(path, "other"), text);
}
const holder = (changes: object) =>
  JSON.stringify({ ...currentProcess(), ...currentPlace(), since: "2026-01-01T00:00:00.000Z", ...changes });

/** A process of this machine and boot that is gone: its id is another one's by now, or nobody's. */
const [boot, startTicks] = (currentProcess().startTime ?? "").split(" ");
const goneIdentity = {
  pid: process.platform === "linux" ? process.pid : 2 ** 22 + 1,
  startTime: `${boot} 1`,
};
const gone = holder(process.platform === "linux" ? goneIdentity : { ...goneIdentity, startTime: null });

test("what keeps a lock from being made is what the error says", () => {
  const file = join(folder.path, "file");
  writeFileSync(file, "");
  expect(() => ProcessLock.take(join(file, "below", ".lock"), { what: "at work", where: file })).toThrow(
    /mkdir/,
  );
});

test("a lock leaves nothing behind, not the folders that were made for it either", () => {
  const path = join(folder.path, "runs", "a", ".lock");
  const lock = take(path);
  expect(readdirSync(join(folder.path, "runs", "a"))).toEqual([".lock"]);
  lock[Symbol.dispose]();
  lock[Symbol.dispose]();
  expect(readdirSync(folder.path)).toEqual([]);
});

test("folders that something else has come into stay", () => {
  const path = join(folder.path, "runs", "a", ".lock");
  const lock = take(path);
  writeFileSync(join(folder.path, "runs", "note"), "mine");
  lock[Symbol.dispose]();
  expect(readdirSync(join(folder.path, "runs"))).toEqual(["note"]);
});

test("a lock of this process is held too, and is free once it is released", () => {
  const path = join(folder.path, ".lock");
  {
    using _ = take(path);
    expect(() => take(path)).toThrow(
      expect.objectContaining({
        code: "usage",
        where: "here",
        found: expect.stringMatching(`^process ${process.pid},`),
      }),
    );
    expect(readdirSync(folder.path)).toEqual([".lock"]);
  }
  take(path)[Symbol.dispose]();
});

test("a lock of another host is held, and the error says what to do when that is gone", () => {
  const path = join(folder.path, ".lock");
  plant(path, elsewhere);
  expect(() => take(path)).toThrow(
    expect.objectContaining({
      message: expect.stringContaining("Another process is at work"),
      found: "process 7 on elsewhere, since 2026-01-01T00:00:00.000Z",
      fix: expect.stringContaining(`remove ${path} `),
    }),
  );
  expect(readdirSync(folder.path)).toEqual([".lock"]);
});

/** A heartbeat is due with every other look; a holder without one counts as gone after 80 ms. */
const timing: LockTiming = { heartbeat: 20, look: 10, silentLooks: 8 };
const elsewhere = holder({ pid: 7, host: "elsewhere", heartbeat: timing.heartbeat });
const removeSilent = (path: string, signal?: AbortSignal, onWait = (_: string) => {}) =>
  ProcessLock.removeSilent(path, purpose, { signal, onWait, timing });

/** Touches a lock's file as a holder on a host whose clock stands still at 1970 would. */
function beat(file: string): NodeJS.Timeout {
  let time = 0;
  return setInterval(() => utimesSync(file, time, ++time), timing.heartbeat);
}

test("the lock of another host is taken over when it shows no heartbeat, and the wait is announced", async () => {
  const path = join(folder.path, ".lock");
  plant(path, elsewhere);
  const notes: string[] = [];
  await removeSilent(path, undefined, (text) => notes.push(text));
  expect(notes).toEqual([expect.stringMatching(/0\.08 s .* process 7 on elsewhere, which was at work/)]);
  using _ = take(path);
  expect(existsSync(join(path, "other"))).toBe(false);
});

test("the lock of another host with a heartbeat is held, whatever that host's clock says", async () => {
  const path = join(folder.path, ".lock");
  plant(path, elsewhere);
  const beats = beat(join(path, "other"));
  try {
    const refused = removeSilent(path);
    await expect(refused).rejects.toThrow(expect.objectContaining({ code: "usage", where: "here" }));
    await expect(refused).rejects.not.toThrow(
      expect.objectContaining({ fix: expect.stringContaining("remove") }),
    );
  } finally {
    clearInterval(beats);
  }
});

test("a holder elsewhere that never touches its lock, as earlier versions did not, is refused at once", async () => {
  const path = join(folder.path, ".lock");
  plant(path, holder({ pid: 7, host: "elsewhere" }));
  const never = () => expect.unreachable();
  await expect(removeSilent(path, undefined, never)).rejects.toThrow(
    expect.objectContaining({ code: "usage" }),
  );
});

test("a holder of this host that lives is refused at once, and one that is gone needs no watching", async () => {
  const path = join(folder.path, ".lock");
  {
    using _ = take(path);
    await expect(removeSilent(path)).rejects.toThrow(expect.objectContaining({ code: "usage" }));
  }
  plant(path, gone);
  await removeSilent(path, undefined, () => expect.unreachable());
  expect(existsSync(path)).toBe(false);
});

test("the watch ends with the signal, and leaves the lock", async () => {
  const path = join(folder.path, ".lock");
  plant(path, elsewhere);
  const stop = new AbortController();
  const watched = removeSilent(path, stop.signal, () => stop.abort("Ctrl-C"));
  await expect(watched).rejects.toBe("Ctrl-C");
  expect(readdirSync(path)).toEqual(["other"]);
});

test("a holder touches its lock", async () => {
  const path = join(folder.path, ".lock");
  using _ = ProcessLock.take(path, purpose, timing);
  const [token = ""] = readdirSync(path);
  const file = join(path, token);
  utimesSync(file, 0, 0);
  await expect.poll(() => statSync(file).mtimeMs).toBeGreaterThan(0);
});

test("a holder of long work shows life while its main thread computes", () => {
  const path = join(folder.path, ".lock");
  using lock = ProcessLock.take(path, purpose, timing);
  const [token = ""] = readdirSync(path);
  const watch = new HeartbeatWatch(Number.POSITIVE_INFINITY);
  const busyUntil = performance.now() + 5000;
  let beats = 0;
  while (beats < 3 && performance.now() < busyUntil) {
    if (watch.look(join(path, token)) === "alive") beats++;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, timing.look);
  }
  expect(beats).toBe(3);
  lock.assertHeld();
});

const onLinux = test.skipIf(process.platform !== "linux");
const thisMachine = currentPlace().machineId;
onLinux.each([
  ["in another PID namespace", { pid: 2 ** 22 + 1, pidNamespace: "pid:[1]" }, "unclear"],
  ["in an unknown PID namespace", { pid: 2 ** 22 + 1, pidNamespace: undefined }, "unclear"],
  [
    "on another machine of this name",
    { startTime: `other-boot ${startTicks}`, machineId: "other" },
    "unclear",
  ],
  ["of an unknown machine", { startTime: `other-boot ${startTicks}`, machineId: undefined }, "unclear"],
  ["of an id that is in use, without its start time", { pid: process.ppid, startTime: null }, "unclear"],
  ["of this boot, without such a process", { pid: 2 ** 22 + 1 }, "gone"],
  ["of this boot, with another start time", { startTime: `${boot} 1` }, "gone"],
  ["that is this one", {}, "alive"],
])("a process %s (needs /proc)", (_, changes, life) => {
  expect(lifeOf({ ...currentProcess(), ...currentPlace(), ...changes })).toBe(life);
});

test.skipIf(thisMachine === undefined)(
  "a process of this machine before it was started anew is gone (needs /etc/machine-id)",
  () => {
    const startTime = `other-boot ${startTicks}`;
    expect(lifeOf({ ...currentProcess(), ...currentPlace(), startTime })).toBe("gone");
  },
);

onLinux("a live lock of a container with this host's name is watched, not taken (needs /proc)", async () => {
  const path = join(folder.path, ".lock");
  plant(path, holder({ pid: 2 ** 22 + 1, pidNamespace: "pid:[1]", heartbeat: timing.heartbeat }));
  const beats = beat(join(path, "other"));
  try {
    expect(() => take(path)).toThrow(expect.objectContaining({ code: "usage" }));
    await expect(removeSilent(path)).rejects.toThrow(expect.objectContaining({ code: "usage" }));
  } finally {
    clearInterval(beats);
  }
});

test("taking a lock removes what killed takers have left beside it, not what others are making", () => {
  const path = join(folder.path, ".lock");
  const name = (digit: number) => `.lock.7-${String(digit).repeat(8)}-0000-4000-8000-000000000000.7.tmp`;
  plant(join(folder.path, name(1)), gone);
  plant(join(folder.path, name(2)), "");
  mkdirSync(join(folder.path, name(3)));
  plant(join(folder.path, name(4)), elsewhere);
  writeFileSync(join(folder.path, ".lock.note.7.tmp"), "mine");
  using _ = take(path);
  expect(readdirSync(folder.path).sort()).toEqual([".lock", name(4), ".lock.note.7.tmp"].sort());
});

test("a holder that was suspended while another one took over finds its lock lost", () => {
  const path = join(folder.path, ".lock");
  const lock = take(path);
  lock.assertHeld();
  for (const token of readdirSync(path)) rmSync(join(path, token));
  using _ = take(path);
  expect(lock.isHeld()).toBe(false);
  expect(() => lock.assertHeld()).toThrow(
    expect.objectContaining({
      code: "run",
      where: "here",
      found: expect.stringMatching(`^the lock of process ${process.pid}, since `),
    }),
  );
  lock[Symbol.dispose]();
  expect(readdirSync(path)).toHaveLength(1);
});

test("a lock that somebody removed by hand is lost too", () => {
  const path = join(folder.path, ".lock");
  using lock = take(path);
  rmSync(path, { recursive: true });
  expect(() => lock.assertHeld()).toThrow(expect.objectContaining({ code: "run", found: "no lock" }));
});

test.each([
  ["whose process id is another process's by now", gone],
  ["without start time, whose process is gone", holder({ pid: 2 ** 22 + 1, startTime: null })],
  ["that a power cut has emptied", ""],
])("a lock %s is taken over", (_, text) => {
  const path = join(folder.path, ".lock");
  plant(path, text);
  using _lock = take(path);
  expect(existsSync(join(path, "other"))).toBe(false);
});

test("the former holder's release leaves the lock of the one who has taken it over", () => {
  const path = join(folder.path, ".lock");
  const lock = take(path);
  const [token = ""] = readdirSync(path);
  writeFileSync(join(path, token), gone);
  using _ = take(path);
  lock[Symbol.dispose]();
  expect(readdirSync(path)).toHaveLength(1);
});

test("a file in the lock's place is the system's error", () => {
  writeFileSync(join(folder.path, ".lock"), "");
  expect(() => take(join(folder.path, ".lock"))).toThrow(expect.objectContaining({ code: "ENOTDIR" }));
  expect(readdirSync(folder.path)).toEqual([".lock"]);
});

test("one process at a time does the work; the other says whom it waits for", async () => {
  const path = join(folder.path, "lock");
  const events: string[] = [];
  const wait = { onWait: (text: string) => events.push(text), timing };
  const first = withLock(path, "another set-up", wait, async () => {
    events.push("first in");
    await new Promise((resolve) => setTimeout(resolve, 60));
    events.push("first out");
  });
  const second = withLock(path, "another set-up", wait, async () => events.push("second in"));
  await Promise.all([first, second]);
  const waiting = `waiting for another set-up (process ${process.pid})`;
  expect(events).toEqual([waiting, "first in", "first out", "second in"]);
});

test("a wait for a lock can be aborted, and ends when its holder shows no heartbeat", async () => {
  const path = join(folder.path, "lock");
  plant(path, elsewhere);
  const stop = new AbortController();
  const aborted = { signal: stop.signal, onWait: () => stop.abort(), timing };
  await expect(withLock(path, "another download", aborted, async () => "in")).rejects.toThrow("aborted");
  expect(readdirSync(path)).toEqual(["other"]);
  expect(await withLock(path, "another download", { onWait: () => {}, timing }, async () => "in")).toBe("in");
  expect(existsSync(path)).toBe(false);
});

test("a wait outlasts a holder with a heartbeat", async () => {
  const path = join(folder.path, "lock");
  plant(path, elsewhere);
  const file = join(path, "other");
  const beats = beat(file);
  setTimeout(
    () => {
      clearInterval(beats);
      rmSync(file);
    },
    3 * timing.look * timing.silentLooks,
  );
  const inside = withLock(path, "another", { onWait: () => {}, timing }, async () => existsSync(file));
  expect(await inside).toBe(false);
});

test("a lock is free again when the work throws", async () => {
  const path = join(folder.path, "lock");
  const wait = { onWait: () => {} };
  await expect(withLock(path, "another", wait, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await withLock(path, "another", wait, async () => "in")).toBe("in");
});

test("a lock that cannot be read is an error that says so", () => {
  const path = join(folder.path, ".lock");
  using _lock = take(path);
  const [token = ""] = readdirSync(path);
  rmSync(join(path, token));
  mkdirSync(join(path, token));
  const expected = expect.objectContaining({
    code: "run",
    where: path,
    message: expect.stringContaining("cannot be read"),
  });
  expect(() => take(path)).toThrow(expected);
  rmSync(path, { recursive: true });
});

test.skipIf(process.platform !== "linux")(
  "a folder that takes nothing is the system's error (needs /proc)",
  () => {
    expect(() => take("/proc/.lock")).toThrow(expect.objectContaining({ code: "ENOENT" }));
  },
);

test.skipIf(process.platform !== "linux")(
  "a process that has ended is gone, even while its parent has not noticed (needs /proc)",
  () => {
    const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"]);
    const pid = child.pid ?? 0;
    const stat = () =>
      readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
    const identity = { ...currentProcess(), ...currentPlace(), pid, startTime: `${boot} ${stat()[19]}` };
    expect([lifeOf(identity), isRunning(identity)]).toEqual(["alive", true]);
    process.kill(pid, "SIGKILL");
    // Node takes note of the end only when it returns to its event loop.
    while (stat()[0] !== "Z");
    expect([lifeOf(identity), isRunning(identity)]).toEqual(["gone", false]);
  },
);
