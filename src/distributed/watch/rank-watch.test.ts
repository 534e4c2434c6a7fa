// Each test starts its ranks as processes of their own (testing/watched-rank.ts).
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { runsTypeScript } from "../../testing/child-process.ts";

const program = fileURLToPath(new URL("../testing/watched-rank.ts", import.meta.url));

async function listenAnywhere(): Promise<{ port: number; close: () => void }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { port: address.port, close: () => server.close() };
}

/** What a rank printed; undefined where it was killed. */
async function startRank(scenario: string, env: Record<string, string>): Promise<unknown> {
  const child = spawn(process.execPath, [...runsTypeScript, program, scenario], {
    env: { ...process.env, MASTER_ADDR: "127.0.0.1", LOCAL_WORLD_SIZE: env["WORLD_SIZE"], ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text) => {
    stdout += text;
  });
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  await new Promise((resolve) => child.once("close", resolve));
  expect(stderr).toBe("");
  return stdout === "" ? undefined : JSON.parse(stdout);
}

/** The error of each rank; null where there was none. */
async function errorsOf(scenario: string, size: number): Promise<unknown[]> {
  const { port, close } = await listenAnywhere();
  close();
  const ranks = Array.from({ length: size }, (_, rank) =>
    startRank(scenario, { RANK: `${rank}`, WORLD_SIZE: `${size}`, MASTER_PORT: `${port}` }),
  );
  return await Promise.all(ranks);
}

const where = expect.stringMatching(/^rank 1, process \d+ on /);

it("tells the others what a rank throws", async () => {
  const [first, second] = await errorsOf("throws", 2);
  const message = "Rank 1 has failed; the other ranks stop";
  expect(first).toEqual({ code: "run", message, where, found: expect.stringContaining("rows.jsonl") });
  expect(second).toMatchObject({ code: "data", message: "no rows" });
});

it("names a rank that does not come in time", async () => {
  const message = "Rank 1 does not come; the other ranks stop";
  for (const error of await errorsOf("late", 2)) expect(error).toMatchObject({ code: "run", message, where });
});

it("names a rank that is suspended, or does not come in time, while others wait without the event loop", async () => {
  const silent = "Rank 1 is silent; the other ranks stop";
  for (const error of await errorsOf("suspended", 2))
    expect(error).toMatchObject({ code: "run", message: silent, where });
  const late = "Rank 1 does not come; the other ranks stop";
  for (const error of await errorsOf("gathers", 2))
    expect(error).toMatchObject({ code: "run", message: late, where });
});

it.each([
  ["killedConnecting", "is gone"],
  ["killedMeeting", "is silent"],
])("names a rank that is killed before it has connected to the others: %s", async (scenario, what) => {
  const begun = performance.now();
  const [first, second, killed] = await errorsOf(scenario, 3);
  expect(killed).toBeUndefined();
  for (const error of [first, second])
    expect(error).toMatchObject({
      code: "run",
      message: `Rank 2 ${what}; the other ranks stop`,
    });
  expect(performance.now() - begun).toBeLessThan(20_000);
});

it("names a rank that has left while the others need it", async () => {
  const [first, second] = await errorsOf("leaves", 2);
  expect(first).toMatchObject({ code: "run", message: "Rank 1 has left; the other ranks stop", where });
  expect(second).toBeNull();
});

it("ends the watch of a group that has failed, though the processes live on", async () => {
  for (const error of await errorsOf("outlives", 2)) expect(error).toMatchObject({ found: "0" });
});

it("lets ranks leave one after another", async () => {
  expect(await errorsOf("ends", 3)).toEqual([null, null, null]);
});

it("tells the others that a rank has no such network interface", async () => {
  const [first, second] = await errorsOf("interface", 2);
  expect(first).toMatchObject({ code: "run", where, found: expect.stringContaining("ib9") });
  expect(second).toMatchObject({ code: "usage", where: "GLOO_SOCKET_IFNAME" });
});

it("notices a port at which no store answers", async () => {
  const { port, close } = await listenAnywhere();
  const error = await startRank("ends", { RANK: "1", WORLD_SIZE: "2", MASTER_PORT: `${port}` });
  close();
  expect(error).toMatchObject({
    code: "run",
    where: `127.0.0.1:${port}`,
    message: "The store does not answer",
  });
});
