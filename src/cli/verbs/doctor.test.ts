import { afterAll, expect, test } from "vitest";
import { temporaryFolder } from "../../testing/tiny-run.ts";
import { chooseGemmBackend, type GemmVerdict, lookUpGemmBackend, setThreads } from "../../torch/index.ts";
import { main } from "../main.ts";
import { CapturedStream, runVerb, testContext } from "../testing/terminal.ts";
import { addDoctor } from "./doctor.ts";

const scratch = temporaryFolder();
const env = { XDG_CACHE_HOME: scratch.path };
afterAll(scratch.remove);

/** What doctor prints where the addon is ready. */
async function doctor(variables: NodeJS.ProcessEnv) {
  const { context, stdout } = testContext({ env: variables });
  const look = async () => [{ name: "addon", status: "ok" as const, found: "loads" }];
  await runVerb((program) => addDoctor(program, context, look), ["doctor"]);
  return { text: stdout.text, code: context.exitCode };
}

const verdict: GemmVerdict = {
  backend: "onednn",
  errors: { aten: 4e-7, onednn: 8e-7 },
  timing: { rates: { aten: 92.7, onednn: 186.1 }, speedup: { low: 1.954, median: 2.007, high: 2.04 } },
};

test("doctor says that the GEMM backend is not measured yet, then which it is, by what, where it is kept, and how to set it", async () => {
  setThreads(2);
  const { file } = lookUpGemmBackend(env);
  expect((await doctor(env)).text).toContain(
    `note     GEMM backend: not measured yet with 2 threads: a run does when the machine is not too busy, and keeps it in ${file}; model.gemmBackend`,
  );
  chooseGemmBackend(env, () => verdict);
  const { text, code } = await doctor(env);
  expect(text).toContain(
    `ok       GEMM backend: onednn with 2 threads (aten 93 GFLOP/s, onednn 186: 2.01 times as fast, 1.95 to 2.04); kept in ${file}`,
  );
  expect(text).toContain("SCALORA_GEMM_BACKEND, sets it to aten or onednn\nEverything is ready.");
  expect(code).toBe(0);
  setThreads(1);
  chooseGemmBackend(env, () => ({ backend: "aten", errors: { aten: 4e-7, onednn: 2e-3 } }));
  expect((await doctor(env)).text).toContain(
    "aten with 1 thread (errors against float64: aten 4.0e-7, onednn 2.0e-3); kept in",
  );
});

test("a backend that the environment sets is said to be so; one that does not exist is to be fixed", async () => {
  const pinned = await doctor({ ...env, SCALORA_GEMM_BACKEND: "aten" });
  expect(pinned.text).toContain("GEMM backend: aten, set by SCALORA_GEMM_BACKEND\n");
  const wrong = await doctor({ ...env, SCALORA_GEMM_BACKEND: "mkl" });
  expect(wrong.text).toMatch(/^missing {2}GEMM backend: .*SCALORA_GEMM_BACKEND: mkl\n +fix: unset it/m);
  expect(wrong.code).toBe(1);
});

test("scalora doctor on this machine", async () => {
  const stdout = new CapturedStream();
  const variables = { ...process.env, SCALORA_GEMM_BACKEND: "" };
  const streams = { stdout, stderr: new CapturedStream() };
  await main(["doctor"], { ...streams, env: variables, prepareEngine: async () => {} });
  expect(stdout.text).toMatch(/^(ok|note) +GEMM backend: (aten|onednn|not measured yet) with \d+ thread/m);
});
