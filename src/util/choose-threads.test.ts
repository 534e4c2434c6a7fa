import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { scaloraJson } from "../cli/testing/scalora.ts";
import { inspectThreads } from "../cli/verbs/doctor.ts";
import { runsTypeScript } from "../testing/child-process.ts";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { writeTinyRecipe } from "../testing/tiny-trained-run.ts";
import { setThreads, threads } from "../torch/index.ts";
import { chooseThreads } from "./choose-threads.ts";
import { fittingThreads, usableCores } from "./usable-cores.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);
const tooMany = fittingThreads(usableCores()) + 1;
const usable = { processors: 4, cores: 2, quota: undefined };

test("threads that sleep while they wait, one for each core", () => {
  const env: NodeJS.ProcessEnv = {};
  expect(chooseThreads(env, usable)).toEqual({ usable });
  expect(env).toEqual({ OMP_NUM_THREADS: "2", OMP_WAIT_POLICY: "passive" });
});

test.each([
  ["OMP_NUM_THREADS", "OMP_WAIT_POLICY"],
  ["MKL_NUM_THREADS", "GOMP_SPINCOUNT"],
])("what the user has set with %s and %s stays", (countBy, waitBy) => {
  const env = { [countBy]: "3", [waitBy]: "active" };
  expect(chooseThreads(env, usable)).toMatchObject({ countBy, waitBy });
  expect(env).toEqual({ [countBy]: "3", [waitBy]: "active" });
});

test.each(["-1", "0", "abc", "1.5"])("%s threads are refused", (value) => {
  expect(() => chooseThreads({ OMP_NUM_THREADS: value }, usable)).toThrow(
    refusal("config", { where: "the environment variable OMP_NUM_THREADS", found: value }),
  );
});

test.each(["2", " 2", "2,4"])("OMP_NUM_THREADS=%s is taken", (value) => {
  expect(chooseThreads({ OMP_NUM_THREADS: value }, usable).countBy).toBe("OMP_NUM_THREADS");
});

/** What the OpenMP runtime and the command print when doctor loads libtorch. */
function doctor(variables: NodeJS.ProcessEnv): string {
  const main = fileURLToPath(new URL("../cli/testing/run-main.ts", import.meta.url));
  const { OMP_NUM_THREADS: _, MKL_NUM_THREADS: __, OMP_WAIT_POLICY: ___, ...rest } = process.env;
  const env = { ...rest, ...variables, OMP_DISPLAY_ENV: "true" };
  const { stdout, stderr } = spawnSync(process.execPath, [...runsTypeScript, main, "doctor"], {
    env,
    encoding: "utf8",
  });
  return stdout + stderr;
}

test("libtorch's runtime gets them, before it is loaded, and doctor says so", () => {
  const chosen = doctor({});
  expect(chosen).toMatch(/OMP_WAIT_POLICY = 'PASSIVE'/);
  expect(chosen).toMatch(/^ok +threads: \d+, one for each core .*; they sleep while they wait/m);
  const set = doctor({ OMP_WAIT_POLICY: "active", OMP_NUM_THREADS: `${tooMany}` });
  expect(set).toMatch(/OMP_WAIT_POLICY = 'ACTIVE'/);
  // MKL takes no more than there are cores.
  expect(set).toMatch(
    /^(ok|note) +threads: \d+, .*OMP_NUM_THREADS .*how they wait is set by OMP_WAIT_POLICY/m,
  );
}, 120_000);

test("doctor says when there are more threads than cores, and when libtorch takes fewer than it was told to", () => {
  const settings = { countBy: "OMP_NUM_THREADS", asked: 8, waitBy: undefined, usable };
  expect(inspectThreads(8, settings)).toMatchObject({
    status: "info",
    found: expect.stringMatching(
      /^8, set by OMP_NUM_THREADS .*8 threads compute where 2 fit.*OMP_NUM_THREADS=2$/,
    ),
  });
  expect(inspectThreads(2, settings)).toMatchObject({
    status: "ok",
    found: expect.stringMatching(/^2, all that libtorch takes of the 8 in OMP_NUM_THREADS/),
  });
});

test("check warns of more threads than cores", async () => {
  const recipe = writeTinyRecipe(scratch.path, { gemmBackend: "aten" });
  const before = threads();
  setThreads(tooMany);
  try {
    const { warnings } = await scaloraJson("check", recipe);
    expect(warnings).toEqual([
      expect.stringMatching(/^\d+ threads compute where \d+ fit: .*OMP_NUM_THREADS=/),
    ]);
  } finally {
    setThreads(before);
  }
});
