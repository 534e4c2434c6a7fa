// Two ranks, started by hand, of which something is wrong at the start: both end soon, rank 0 with an error and another rank with
// one line.
import { once } from "node:events";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lockNewRun } from "../run/lock-run.ts";
import { runCommand, runsTypeScript } from "../testing/child-process.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { capitalRows } from "../testing/tiny-trained-run.ts";
import { freePort } from "../util/free-port.ts";
import { printedFailure } from "./testing/printed-failure.ts";

const program = fileURLToPath(new URL("testing/run-main.ts", import.meta.url));
const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
afterAll(scratch.remove);

/** Two folders with a model and rows; the recipe takes those of the folder in which a rank is started. */
beforeAll(() => {
  for (const [index, folder] of ["first", "second"].entries()) {
    mkdirSync(at(folder));
    writeTinyLlama(at(folder, "model"), { seed: index });
    writeFileSync(at(folder, "train.jsonl"), capitalRows(20, index));
  }
  const here = "/proc/self/cwd";
  const recipe = {
    model: { path: `${here}/model`, device: "cpu", gemmBackend: "aten" },
    adapter: { method: "lora", rank: 2 },
    data: { train: `${here}/train.jsonl`, eval: "none" },
    train: { steps: 2, batchSize: 4, lr: 1e-2 },
    run: { folder: at("runs"), name: "mine", samples: 0 },
  };
  writeFileSync(at("recipe.yaml"), JSON.stringify(recipe));
});

interface Start {
  /** Of the run. */
  readonly name?: string;
  readonly folder?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Trains as one rank. */
function train({ folder = "first", name = "mine", env = {} }: Start) {
  const words = ["train", at("recipe.yaml"), "--set", `run.name=${name}`];
  const command = [process.execPath, ...runsTypeScript, program, ...words];
  return runCommand(command, { cwd: at(folder), env });
}

/** What two ranks print: the error of rank 0, and the line of rank 1. */
async function trainTwo(first: Start, second: Start) {
  const network = { WORLD_SIZE: "2", MASTER_ADDR: "127.0.0.1", MASTER_PORT: `${await freePort()}` };
  const begin = performance.now();
  const [rank0, rank1] = await Promise.all(
    [first, second].map(({ env, ...start }, rank) =>
      train({ ...start, env: { ...network, RANK: `${rank}`, ...env } }),
    ),
  );
  // Ten are promised; a machine that is busy with other tests takes some more.
  expect((performance.now() - begin) / 1000).toBeLessThan(20);
  expect([rank0?.stdout, rank1?.stdout]).toEqual(["", ""]);
  const error = rank0 && printedFailure(rank0);
  return { error, code: rank1?.code, lines: rank1?.stderr.trimEnd().split("\n") };
}

test("other weights and rows", async () => {
  const { error, code, lines } = await trainTwo({}, { folder: "second" });
  expect(error).toMatchObject({
    code: 2,
    where: "rank 1",
    found: expect.stringMatching(/^training data: .* on rank 0, .* on rank 1; weights of the model: /),
  });
  expect({ code, lines }).toEqual({
    code: 2,
    lines: [expect.stringMatching(/^error: The ranks do not do the same; where: rank 1/)],
  });
}, 60_000);

test.each([
  {
    name: "a host that does not resolve",
    env: [{ MASTER_ADDR: "no-such-host.invalid" }, { MASTER_ADDR: "no-such-host.invalid" }],
    error: {
      code: 2,
      where: "MASTER_ADDR=no-such-host.invalid",
      fix: expect.stringContaining("MASTER_ADDR"),
    },
    other: { code: 2, lines: [expect.stringMatching(/^error: The host of rank 0 is unknown; /)] },
  },
  {
    name: "a network interface that one of them does not have",
    env: [{}, { GLOO_SOCKET_IFNAME: "ib9" }],
    error: { code: 1, message: expect.stringMatching(/^Rank 1 has failed/), found: "ib9" },
    other: {
      code: 2,
      lines: [expect.stringMatching(/^error: .*network interface; where: GLOO_SOCKET_IFNAME; .* fix: /)],
    },
  },
  {
    name: "another number of ranks",
    env: [{}, { WORLD_SIZE: "3" }],
    error: { code: 1, found: expect.stringMatching(/WORLD_SIZE=3.*WORLD_SIZE=2/) },
    other: {
      code: 1,
      lines: [
        expect.stringMatching(
          /^error: the (ranks do not agree on their number|connection to another rank is lost); /,
        ),
      ],
    },
  },
])(
  "$name",
  async ({ env: [first = {}, second = {}], error, other }) => {
    const { error: found, ...rest } = await trainTwo({ env: first }, { env: second });
    expect(found).toMatchObject(error);
    expect(rest).toEqual(other);
  },
  60_000,
);

test("a port on which another program listens", async () => {
  const port = `${await freePort()}`;
  const server = createServer().listen(Number(port));
  await once(server, "listening");
  const env = { MASTER_PORT: port };
  const { error, code, lines } = await trainTwo({ env }, { env });
  server.close();
  expect(error).toMatchObject({ code: 1, fix: expect.stringContaining("MASTER_PORT") });
  expect({ code, lines }).toEqual({
    code: 1,
    lines: [expect.stringMatching(/^error: The store does not answer; .*MASTER_PORT/)],
  });
}, 60_000);

test("a run's folder that another job has made", async () => {
  mkdirSync(at("runs", "mine"), { recursive: true });
  writeFileSync(at("runs", "mine", "config.yaml"), "");
  const { error, code, lines } = await trainTwo({}, {});
  expect(error).toMatchObject({
    code: 2,
    where: at("runs", "mine"),
    fix: expect.stringContaining("run.name"),
  });
  expect({ code, lines }).toEqual({
    code: 1,
    lines: [expect.stringMatching(/^error: Rank 0 has failed; .*folder already exists/)],
  });
}, 60_000);

test("a run's folder in which another job is training", async () => {
  const folder = at("runs", "busy");
  using _ = lockNewRun(folder);
  const { error, code, lines } = await trainTwo({ name: "busy" }, { name: "busy" });
  expect(error).toMatchObject({ code: 2, where: folder, found: expect.stringContaining(`${process.pid}`) });
  expect({ code, lines }).toEqual({ code: 1, lines: [expect.stringMatching(/^error: Rank 0 has failed; /)] });
  expect(readdirSync(folder)).toEqual([".lock"]);
}, 60_000);

test("WORLD_SIZE without RANK", async () => {
  const failed = await train({ env: { WORLD_SIZE: "2" } });
  expect(printedFailure(failed)).toMatchObject({
    code: 2,
    where: "the environment",
    found: "WORLD_SIZE=2",
    fix: expect.stringContaining("scalora launch"),
  });
});
