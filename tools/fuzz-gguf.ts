/**
 * Uses damaged GGUF files, each a copy of a fixture with a few bytes changed, and stops at the first that is neither used nor
 * refused with a clear error. Every batch is a process of its own, so that one that native code ends is a failure too.
 *
 *     npx tsx tools/fuzz-gguf.ts [BATCHES=10] [SECONDS=60] [SEED=1]
 */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runChild } from "../src/testing/child-process.ts";

const [batches = 10, seconds = 60, seed = 1] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), "scalora-fuzz-"));
const child = new URL("../src/gguf/testing/fuzz-child.ts", import.meta.url);
for (let batch = 0; batch < batches; batch++) {
  const own = seed + batch;
  const { code, signal, stdout, stderr } = await runChild(child, folder, `${seconds}`, `${own}`);
  console.log(`seed ${own}: ${stdout.trim()}`);
  if (code === 0) continue;
  console.error(
    `${stderr}ended by ${signal ?? `exit code ${code}`}; the file: ${join(folder, "damaged.gguf")}`,
  );
  process.exitCode = 1;
  break;
}
