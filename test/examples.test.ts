import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { createInterface } from "node:readline/promises";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { writeTinyLlama } from "../src/testing/tiny-llama.ts";
import { temporaryFolder } from "../src/testing/tiny-run.ts";

const repository = fileURLToPath(new URL("..", import.meta.url));
const scratch = temporaryFolder();
afterAll(() => scratch.remove());
for (const name of ["assets", "examples", "src", "node_modules", "tsconfig.json", "package.json"])
  symlinkSync(join(repository, name), join(scratch.path, name));

/** What each example prints at its end. */
const endings: Readonly<Record<string, RegExp>> = {
  "train.ts": /^finished after 60 steps; the merged model is in runs\/example-model$/m,
  "stream-generation.ts": /^\d+ tokens in [\d.]+ s \((length|end)\)$/m,
  "custom-method.ts": /^input-gain: \d+ gains, loss [\d.]+ at step 20$/m,
  "custom-metric.ts": /^scalora-i: word accuracy [\d.]+ → [\d.]+ %$/m,
};

test("every example has a test", () => {
  const programs = readdirSync(join(repository, "examples")).filter((name) => name.endsWith(".ts"));
  expect(programs.sort()).toEqual([...Object.keys(endings), "serve-while-training.ts"].sort());
});

test.each(Object.entries(endings))("examples/%s runs as its first line says", (name, ending) => {
  rmSync(join(scratch.path, "runs"), { recursive: true, force: true });
  const args = ["--import", "tsx", `examples/${name}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: scratch.path,
    encoding: "utf8",
  });
  expect({ status, errors: status === 0 ? "" : stderr }).toEqual({ status: 0, errors: "" });
  expect(stdout).toMatch(ending);
  if (name !== "train.ts") return;
  for (const file of ["config.json", "model.safetensors", "tokenizer.json"])
    expect(existsSync(join(scratch.path, "runs", "example-model", file))).toBe(true);
});

test("the server answers while it trains, and then with what it has learnt", async () => {
  const folder = scratch.fresh("chat-model");
  writeTinyLlama(folder);
  const args = [
    "--disable-warning=ExperimentalWarning",
    "--import",
    "tsx",
    "examples/serve-while-training.ts",
    basename(folder),
  ];
  const server = spawn(process.execPath, args, { cwd: scratch.path, stdio: ["ignore", "pipe", "pipe"] });
  const errors = text(server.stderr);
  using _ended = { [Symbol.dispose]: () => server.kill("SIGKILL") };
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  const { value: address } = await lines.next();
  const health = async () => await (await fetch(`${address}/health`)).text();
  expect(await health()).toMatch(/^(loading|[a-z]+ing .+|step \d+, loss [\d.]+)\n$/);
  const { value: end } = await lines.next();
  expect(end).toBe("finished after 20 steps");
  expect(await health()).toBe("finished after 20 steps\n");
  const answer = await fetch(`${address}/chat`, { method: "POST", body: "Where is order 1271?" });
  expect(answer.status).toBe(200);
  expect((await answer.text()).length).toBeGreaterThan(1);
  server.kill("SIGINT");
  expect(await errors).toBe("");
});
