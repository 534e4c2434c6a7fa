import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // As tsconfig.json has it for tsx.
  resolve: { alias: { scalora: fileURLToPath(new URL("src/index.ts", import.meta.url)) } },
  test: {
    include: ["{src,test,scripts,bench}/**/*.test.ts"],
    // Two workers with one thread each: threads of one operator that wait for a busy core waste whole seconds.
    // One GEMM backend: which of the two is the faster is measured, so noise could change a run's last bits.
    env: { OMP_NUM_THREADS: "1", SCALORA_GEMM_BACKEND: "aten" },
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
});
