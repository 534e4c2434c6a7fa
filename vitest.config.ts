import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";

/**
 * Tests whose outcome depends on the machine too: on its clock, its memory, and how it shares its processors between several processes
 * that wait for each other, signal or are killed. On one that stands still for seconds such a test may fail without a fault: it is
 * tried again, and the reporter says so.
 */
const onTheMachine = [
  "src/{compare,torch}/process*.test.ts",
  "src/chat-template/template-fault.test.ts",
  "src/cli/{board,busy-interruption,chat,kill-eval,launch,ranks-*,stop-train,*-on-ranks}.test.ts",
  "src/cli/{terminal/interruption,verbs/get}.test.ts",
  "src/distributed/{run-ranks,watch/rank-watch,watch/watch}.test.ts",
  "src/download/fetch-from-pypi.test.ts",
  "src/report/report-page.test.ts",
  "src/run/lock-{race,run}.test.ts",
  "src/setup/setup.test.ts",
  "src/torch/short-work.test.ts",
  "src/train/{data-parallel,every-method-on-ranks,kill,sharded-base}.test.ts",
  "src/train/ranks/*.test.ts",
  "src/util/{locks/process-lock,timed-regexp}.test.ts",
  "test/{cluster-examples,examples,fine-tune,memory-limit,stress}.test.ts",
];

export default defineConfig({
  // As tsconfig.json has it for tsx.
  resolve: { alias: { scalora: fileURLToPath(new URL("src/index.ts", import.meta.url)) } },
  test: {
    // Two workers with one thread each: threads of one operator that wait for a busy core waste whole seconds.
    // One GEMM backend: which of the two is the faster is measured, so noise could change a run's last bits.
    env: { OMP_NUM_THREADS: "1", SCALORA_GEMM_BACKEND: "aten" },
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 240_000,
    hookTimeout: 240_000,
    // By default a second, which two processes may need to start.
    expect: { poll: { timeout: 30_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: "tests",
          include: ["{src,test,scripts,bench}/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...onTheMachine],
        },
      },
      { extends: true, test: { name: "machine", include: onTheMachine, retry: 2 } },
    ],
  },
});
