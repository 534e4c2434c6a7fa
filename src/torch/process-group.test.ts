// Each test starts its ranks as processes of their own (testing/rank.ts).
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { runChild } from "../testing/child-process.ts";
import { freePort } from "../util/free-port.ts";
import { liveTensorCount, ProcessGroup, zeros } from "./index.ts";

const program = new URL("testing/rank.ts", import.meta.url);

/** What each rank printed, and how it ended. */
async function ranks(scenario: string, size: number) {
  const port = await freePort();
  const children = await Promise.all(
    Array.from({ length: size }, (_, rank) => runChild(program, scenario, `${port}`, `${rank}`, `${size}`)),
  );
  return children.map(({ stdout, stderr, code, signal }) => {
    return { code, signal, stderr, result: stdout === "" ? undefined : JSON.parse(stdout) };
  });
}

/** Ranks that end by themselves, quietly. */
async function results(scenario: string, size: number) {
  const ended = await ranks(scenario, size);
  for (const { code, stderr } of ended) expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return ended.map(({ result }) => result);
}

const differs = { code: "run", message: "the ranks do not call the same collective" };
const differing = [
  { ...differs, found: expect.stringMatching(/rank 0.*: all-reduce sum Float\[1\]/) },
  { ...differs, found: expect.stringContaining("all-reduce max") },
  { ...differs, found: expect.stringContaining("barrier") },
];

it.each([1, 2, 4])(
  "%i ranks compute together, exchange texts, and reject calls that differ",
  async (size) => {
    const all = Array.from({ length: size }, (_, rank) => rank);
    const sum = all.reduce((total, rank) => total + rank, 0);
    const powers = all.map((rank) => 2 ** rank).reduce((total, power) => total + power, 0);
    const found = await results("all", size);
    expect(found).toEqual(
      all.map((rank) => ({
        differing: [...(size === 1 ? ["done", "done", "done"] : differing), "done"],
        sum: [sum + size, 0.5 * size],
        average: [powers / size],
        integers: ["9007199254740993", `${size - 1}`],
        gathered: [[size, 1], all.map((other) => other % 2)],
        part: [[2], [2 * rank, 2 * rank + 1].map((row) => row * size + sum)],
        swapped: all.flatMap((other) => [2 * rank + other, 2 * rank + 1 + other]),
        tooShort: expect.objectContaining({ code: "tensor" }),
        texts: all.map((other) => "é".repeat(other)),
        copied: [size - 1, size - 1],
        names: all.map((other) => `rank ${other} ✓`),
      })),
    );
  },
);

it.each([2, 3])("%i ranks gather slices without the event loop, and say what goes wrong", async (size) => {
  const all = Array.from({ length: size }, (_, rank) => rank);
  const alive = (await ranks("gather", size)).slice(0, -1);
  for (const { code, stderr, result } of alive) {
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(result).toEqual({
      gathered: [all.flatMap((rank) => [rank, 0.5]), all.map((rank) => rank + 1)],
      again: expect.objectContaining({ code: "tensor" }),
      misfit: expect.objectContaining({ code: "tensor" }),
      differing: { ...differs, found: expect.stringContaining("gather of 1 slices, 1 bytes") },
      lost: expect.objectContaining({ code: "run" }),
    });
  }
});

it("ends the wait for a gather at the second signal", async () => {
  const [first] = await ranks("signals", 2);
  expect(first).toMatchObject({ code: 0, stderr: "" });
  expect(first?.result).toMatchObject({ ended: { code: "run" }, heard: ["SIGTERM", "SIGTERM"] });
  expect(first?.result.seconds).toBeLessThan(2);
});

it("sets values while it waits for others", async () => {
  expect(await results("mirrored", 2)).toEqual([
    ["from 1", "done"],
    ["from 0", "done"],
  ]);
});

it("rejects within seconds when another rank dies, and from then on", async () => {
  const [first, second, third] = await ranks("dead", 3);
  expect(third).toMatchObject({ signal: "SIGKILL" });
  for (const rank of [first, second]) {
    const [lost, later, seconds] = rank?.result ?? [];
    expect(rank).toMatchObject({ code: 0, stderr: "" });
    expect(lost).toMatchObject({ code: "run", message: "the connection to another rank is lost" });
    expect(later).toMatchObject({
      code: "run",
      message: "an earlier collective of this process group failed",
    });
    expect(seconds).toBeLessThan(5);
  }
});

it("rejects after the timeout, while the event loop runs", async () => {
  const [[barrier, value, ticks]] = await results("late", 2);
  expect(barrier).toMatchObject({ code: "run", message: "another rank does not answer in time" });
  expect(value).toMatchObject({ code: "run", message: "no rank has set this value in time" });
  expect(ticks).toBeGreaterThan(10);
});

it("rejects all that waits when it is disposed", async () => {
  const [found] = await results("dispose", 2);
  const disposed = { code: "run", message: "the process group was disposed" };
  expect(found).toEqual([disposed, disposed, disposed, expect.objectContaining({ code: "tensor" })]);
});

it("lets a process exit and a thread end while a collective waits", async () => {
  expect(await ranks("exit", 2)).toMatchObject([
    { code: 3, signal: null, stderr: "" },
    { code: 0, result: "slept" },
  ]);
  const [main, other] = await results("thread", 2);
  expect(main).toEqual([0, 0]);
  const lost = expect.objectContaining({ message: "the connection to another rank is lost" });
  expect(other).toEqual([lost, lost]);
});

it("leaves the warnings of libtorch as they were", async () => {
  const [rank] = await ranks("warns", 1);
  expect(rank).toMatchObject({ code: 0, stderr: expect.stringContaining("degrees of freedom") });
});

it("names the ranks that are missing, and a port in use", async () => {
  const options = (port: number, size: number) => {
    const store = { host: "127.0.0.1", port, owner: "rank 0" } as const;
    return { store, isServer: true, job: "test", rank: 0, size, address: "127.0.0.1", timeout: 0.5 };
  };
  const port = await freePort();
  await expect(ProcessGroup.connect(options(port, 3))).rejects.toMatchObject({
    code: "run",
    found: expect.stringContaining("ranks 1, 2 of 3"),
  });
  const other = { ...options(await freePort(), 2), isServer: false, rank: 1 };
  await expect(ProcessGroup.connect(other)).rejects.toMatchObject({
    code: "run",
    where: "rank 1",
    found: expect.stringContaining("rank 0, which has the store, at 127.0.0.1:"),
  });
  const server = createServer().listen(port);
  await new Promise((resolve) => server.once("listening", resolve));
  await expect(ProcessGroup.connect(options(port, 1))).rejects.toMatchObject({
    code: "run",
    fix: expect.stringContaining("MASTER_PORT"),
  });
  server.close();
});

/** A group of one rank. */
function connectAlone({ port, isServer }: { port: number; isServer: boolean } = { port: 0, isServer: true }) {
  return ProcessGroup.connect({
    store: { host: "127.0.0.1", port, owner: "rank 0" },
    isServer,
    job: "test",
    rank: 0,
    size: 1,
    address: "127.0.0.1",
    timeout: 5,
  });
}

it("frees the result of a collective that finishes as the group is disposed", async () => {
  using group = await connectAlone();
  using tensor = zeros([2], { device: "cpu" });
  const before = liveTensorCount();
  const gathered = group.allGather(tensor);
  const part = group.reduceScatter(tensor);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300); // both finish meanwhile
  group.dispose();
  await expect(gathered).rejects.toMatchObject({ code: "run" });
  await expect(part).rejects.toMatchObject({ code: "run" });
  await sleep(100);
  expect(liveTensorCount()).toBe(before);
});

it("joins a job once", async () => {
  const port = await freePort();
  using _group = await connectAlone({ port, isServer: true });
  await expect(connectAlone({ port, isServer: false })).rejects.toMatchObject({
    code: "run",
    fix: expect.stringContaining("join once"),
  });
});

it("refuses tensors that it cannot reduce", async () => {
  using group = await connectAlone();
  using integers = zeros([2], { dtype: "int64", device: "cpu" });
  using flags = zeros([2], { dtype: "bool", device: "cpu" });
  await expect(group.allReduce(integers, "avg")).rejects.toMatchObject({ code: "tensor", found: "int64" });
  await expect(group.allReduce(flags)).rejects.toMatchObject({ code: "tensor", found: "bool" });
  await expect(group.broadcast(flags, 1)).rejects.toMatchObject({ code: "tensor" });
});
