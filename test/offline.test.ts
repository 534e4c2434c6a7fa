import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildProgram } from "../src/cli/main.ts";
import { testContext } from "../src/cli/testing/terminal.ts";
import { runsTypeScript } from "../src/testing/child-process.ts";
import { temporaryFolder } from "../src/testing/tiny-run.ts";
import { writeTinyProject } from "../src/testing/tiny-trained-run.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);
const place = (name: string) => join(scratch.path, name);

/** What there is the network for. */
const online = ["setup", "get", "quickstart"];

beforeAll(() => {
  writeTinyProject(scratch.path);
  writeFileSync(
    place("recipe.yaml"),
    JSON.stringify({
      model: { path: place("model") },
      adapter: { method: "lora", rank: 2 },
      data: { train: place("train.jsonl"), eval: { holdOut: 4 } },
      train: { steps: 2, batchSize: 4 },
      run: { folder: place("runs"), name: "one" },
    }),
  );
});

const commands = [
  ["init", "--model", place("model"), "--data", place("train.jsonl"), "--out", place("drafted.yaml")],
  ["check", place("recipe.yaml")],
  ["data", place("recipe.yaml")],
  ["train", place("recipe.yaml")],
  ["train", place("recipe.yaml"), "--set", "run.name=two"],
  ["eval", place("runs/one"), "--data", place("test.jsonl")],
  ["generate", place("runs/one"), "abc=", "--max-tokens", "2"],
  ["chat", place("runs/one")],
  ["export", place("runs/one"), "--as", "adapter", "--out", place("adapter")],
  ["export", place("runs/one"), "--format", "gguf", "--out", place("merged.gguf")],
  [
    ...["export", place("runs/one"), "--format", "gguf", "--out", place("small.gguf")],
    ...["--dtype", "q4_0", "--imatrix"],
  ],
  ["convert", place("merged.gguf"), place("converted")],
  ["diff", place("runs/one"), place("runs/two")],
  ["analyze", place("runs/one")],
  [
    "compare",
    place("recipe.yaml"),
    "--methods",
    "lora",
    "--seeds",
    "0",
    "--lrs",
    "1e-3",
    "--out",
    place("compared"),
  ],
  ["board", place("runs"), "--port", "0"],
  ["ls", "runs", place("runs")],
  ["launch", "--nproc", "2", process.execPath, "--eval", "0"],
  ["completion", "bash"],
  ["doctor"],
];

test("every command but those for the network has a command line here", () => {
  const names = buildProgram(testContext().context).commands.map((command) => command.name());
  expect(new Set([...commands.map(([name]) => name), ...online])).toEqual(new Set(names));
});

/** Runs a program whose network calls fail: written down, and where namespaces are to be had, for the system too. */
function withoutNetwork(args: readonly string[], lines: readonly (readonly string[])[] = []) {
  const log = place("network.log");
  const hook = fileURLToPath(new URL("support/no-network.ts", import.meta.url));
  const env = {
    ...process.env,
    NETWORK_LOG: log,
    NODE_OPTIONS: `--import=${hook}`,
    COMMAND_LINES: JSON.stringify(lines),
  };
  const apart = ["--user", "--map-root-user", "--net"];
  const isApart = spawnSync("unshare", [...apart, "true"]).status === 0;
  const command = [process.execPath, ...runsTypeScript, ...args];
  const [program = "", ...rest] = isApart ? ["unshare", ...apart, ...command] : command;
  const { stdout, stderr } = spawnSync(program, rest, { env, encoding: "utf8", input: "abc=\n" });
  return { stdout, stderr, tries: existsSync(log) ? readFileSync(log, "utf8") : "" };
}

test("commands connect to nothing, but for those that fetch", () => {
  const program = fileURLToPath(new URL("offline-program.ts", import.meta.url));
  const { stdout, stderr, tries } = withoutNetwork([program], commands);
  expect(stdout, stderr).not.toBe("");
  expect(JSON.parse(stdout)).toEqual(commands.map(([command]) => ({ command, code: 0, stderr: "" })));
  expect(tries).toBe("");
});

test("a try would be noticed", () => {
  const { tries } = withoutNetwork(["--eval", 'fetch("http://localhost:8765").catch(() => {})']);
  expect(tries).toContain("connect to localhost");
});
