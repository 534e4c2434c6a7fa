import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";

/**
 * Tests of several processes that send each other signals, wait for each other or are killed. On a machine that stands still for
 * seconds one may fail without a fault: it is tried again, and the reporter says so.
 */
const inRealTime = [
  "src/{compare,torch}/process*.test.ts",
  "src/distributed/**/*.test.ts",
  "src/util/process-lock.test.ts",
  "src/run/{lock-race,lock-run,run-folder}.test.ts",
  "src/train/{kill,data-parallel,every-method-on-ranks,sharded-base}.test.ts",
  "src/train/ranks/*.test.ts",
  "src/cli/{busy-interruption,kill-eval,launch,ranks-*,stop-train,*-on-ranks}.test.ts",
  "src/cli/terminal/interruption.test.ts",
  "test/{cluster-examples,fine-tune,stress}.test.ts",
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
          exclude: [...configDefaults.exclude, ...inRealTime],
        },
      },
      { extends: true, test: { name: "processes", include: inRealTime, retry: 2 } },
    ],
  },
});
