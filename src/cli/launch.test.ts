import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test, vi } from "vitest";
import { runChild, runsTypeScript } from "../testing/child-process.ts";
import { printedFailure } from "./testing/printed-failure.ts";

const program = new URL("testing/run-main.ts", import.meta.url);
afterEach(() => void vi.unstubAllEnvs());

test("launch runs a command of scalora as several ranks, of which the first prints", async () => {
  const launched = await runChild(program, "launch", "--nproc", "2", "completion", "bash");
  const alone = await runChild(program, "completion", "bash");
  expect(launched).toEqual({ ...alone, code: 0, stderr: "" });
});

test("launch passes the output of the ranks of a program on", async () => {
  const words = ["--", process.execPath, "-e", "console.log('rank', process.env.RANK)"];
  const { stdout, stderr } = await runChild(program, "launch", "--nproc", "2", ...words);
  expect({ stdout, stderr }).toEqual({ stdout: "rank 0\n", stderr: "[rank 1] rank 1\n" });
});

test("launch passes the options of a program on, and ends with its failure", async () => {
  const script = "process.exit(process.env.RANK === '1' ? 5 : 0)";
  const failed = await runChild(program, "launch", "--nproc", "2", "--", process.execPath, "-e", script);
  expect(failed).toMatchObject({ code: 5, stdout: "" });
  expect(printedFailure(failed).message).toMatch(/^rank 1 .* ended with exit code 5/);
});

test("on a node that is not the first, launch says as much as on the first", async () => {
  const node = { SKYPILOT_NODE_RANK: "1", SKYPILOT_NODE_IPS: "127.0.0.1\n127.0.0.1", OMP_NUM_THREADS: "999" };
  for (const [name, value] of Object.entries(node)) vi.stubEnv(name, value);
  const script = "console.log('ready'); process.exit(5)";
  const failed = await runChild(program, "launch", "--nproc", "2", process.execPath, "-e", script);
  expect(printedFailure(failed)).toMatchObject({ code: 5, message: expect.stringMatching(/^rank [23] /) });
  expect(failed.stderr).toMatch(/^\[rank [23]\] ready$/m);
  expect(failed.stderr).toContain("OMP_NUM_THREADS");
  expect(printedFailure(await runChild(program, "launch", "true"))).toMatchObject({
    code: 2,
    fix: expect.stringContaining("scalora launch --nproc 2 train"),
  });
});

test("launch shows how it is used where the number of ranks or the program is missing", async () => {
  for (const words of [
    ["--", "train", "recipe.yaml"],
    ["--nproc", "2"],
    ["--nproc", "none", "true"],
  ])
    expect(printedFailure(await runChild(program, "launch", ...words))).toMatchObject({
      code: 2,
      fix: expect.stringContaining("scalora launch --nproc 2 train"),
    });
  const missing = await runChild(program, "launch", "--nproc", "2", "./no-such-program");
  expect(printedFailure(missing)).toMatchObject({
    code: 2,
    where: "./no-such-program",
    fix: expect.stringContaining("PATH"),
  });
});

test.each(["quickstart", "generate"])("launch refuses %s, which is for one process", async (verb) => {
  const refused = await runChild(program, "launch", "--nproc", "2", verb, "recipe.yaml");
  expect(printedFailure(refused)).toMatchObject({ code: 2, found: expect.stringContaining(verb) });
});

test("launch says so when somebody stops one of the ranks", async () => {
  const script = "process.exit(process.env.RANK === '1' ? 143 : 0)";
  const stopped = await runChild(program, "launch", "--nproc", "2", "--", process.execPath, "-e", script);
  expect(stopped.code).toBe(143);
  expect(stopped.stderr).toMatch(/^rank 1 \(process \d+\) was stopped by SIGTERM/);
});

test("launch passes signals on and waits", async () => {
  const script =
    "process.on('SIGTERM', () => setTimeout(() => { console.log('saved'); process.exit(143); }, 300)); setInterval(() => {}, 1e3); console.log('ready');";
  const child = spawn(process.execPath, [
    ...runsTypeScript,
    fileURLToPath(program),
    ...["launch", "--nproc", "2", process.execPath, "-e", script],
  ]);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text) => {
      output += text;
      if (output.match(/ready/g)?.length === 2 && !output.includes("saved")) child.kill("SIGTERM");
    });
  }
  const code = await new Promise((resolve) => child.once("close", resolve));
  expect(code).toBe(143);
  expect(output.match(/saved/g)).toHaveLength(2);
});
