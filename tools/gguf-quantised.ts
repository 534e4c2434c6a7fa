/**
 * Compares the quantised GGUF files that scalora writes of a model with what llama.cpp's own quantiser makes of the same model in
 * F32: they must be equal, byte for byte.
 *
 *     npm run tool -- tools/gguf-quantised.ts LLAMA_QUANTIZE MODEL [--types q4_k_m,q6_k,…] [--imatrix FILE.gguf] [--keep FOLDER]
 *
 * MODEL is a model's folder, GGUF file or name. LLAMA_QUANTIZE is that program, or that of tools/reference/llama_quantize.cpp, built for
 * plain x86-64 from llama.cpp's source (docs/gguf.md says how): where the compiler fuses multiplications with additions, other bits
 * come out. With --keep the files of scalora stay in that folder. Ends with 1 where something differs.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { modelPath } from "../src/download/index.ts";
import { exportGguf } from "../src/export/export-merged.ts";
import { exportDTypes, ggufFileTypes } from "../src/export/gguf-file-types.ts";
import { readGgufHeader } from "../src/gguf/header.ts";
import { readImatrix } from "../src/gguf/quantise/imatrix.ts";
import { loadModel } from "../src/index.ts";
import { formatBytes } from "../src/util/format.ts";

/** The tensor at a byte of a file, for a message. */
function placeAt(path: string, byte: number): string {
  for (const [name, { begin, byteLength, type }] of readGgufHeader(path).tensors)
    if (byte >= begin && byte < begin + byteLength) return `${name} (${type.name}), byte ${byte - begin}`;
  return "the metadata";
}

function difference(ours: string, theirs: string): string | undefined {
  const [a, b] = [readFileSync(ours), readFileSync(theirs)];
  if (a.equals(b)) return undefined;
  let at = 0;
  while (a[at] === b[at]) at++;
  return `${a.length} and ${b.length} bytes, which first differ at ${at}: ${placeAt(ours, at)}`;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { types: { type: "string" }, imatrix: { type: "string" }, keep: { type: "string" } },
});
const [program, given] = positionals;
if (program === undefined || given === undefined) throw new Error("LLAMA_QUANTIZE and MODEL are needed");
const all = exportDTypes.filter((type) => type !== "float32");
const wanted = values.types?.split(",") ?? all;
const types = all.filter((type) => wanted.includes(type));
if (types.length < wanted.length) throw new Error(`--types takes ${all.join(", ")}`);
const model = modelPath(given);
const scratch = mkdtempSync(join(tmpdir(), "gguf-quantised-"));
try {
  using loaded = await loadModel(model, { dtype: "float32", device: "cpu" });
  const open = { model: loaded, adapters: undefined, baseFolder: model };
  const imatrix = values.imatrix === undefined ? undefined : readImatrix(values.imatrix);
  // Both programs get files of one name, which is part of the metadata.
  const exact = join(scratch, "f32", "model.gguf");
  exportGguf(open, exact, { dtype: "float32" });
  const theirs = join(scratch, "theirs.gguf");
  if (values.imatrix !== undefined) copyFileSync(values.imatrix, join(scratch, basename(values.imatrix)));
  for (const type of types) {
    const ours = join(scratch, "ours", "model.gguf");
    const start = performance.now();
    const { tensorTypes, fallbacks = [] } = exportGguf(open, ours, { dtype: type, imatrix });
    const ourSeconds = (performance.now() - start) / 1000;
    const options = values.imatrix === undefined ? [] : ["--imatrix", basename(values.imatrix)];
    const theirStart = performance.now();
    execFileSync(resolve(program), [...options, exact, theirs, ggufFileTypes[type]], {
      cwd: scratch,
      stdio: "pipe",
    });
    const theirSeconds = (performance.now() - theirStart) / 1000;
    const different = difference(ours, theirs);
    if (different !== undefined) process.exitCode = 1;
    const counts = Object.entries(tensorTypes ?? {}).map(([name, count]) => `${count} ${name}`);
    const instead = fallbacks.map(({ wanted: from, stored, tensors }) => `${tensors} ${from} → ${stored}`);
    console.log(
      [
        type.padEnd(8),
        formatBytes(statSync(ours).size).padStart(9),
        different ?? "equal",
        `${ourSeconds.toFixed(1)} s (llama-quantize ${theirSeconds.toFixed(1)} s)`,
        counts.join(", "),
        instead.join(", "),
      ].join("  "),
    );
    if (values.keep !== undefined) {
      mkdirSync(values.keep, { recursive: true });
      copyFileSync(ours, join(values.keep, `${type}.gguf`));
    }
    rmSync(join(scratch, "ours"), { recursive: true });
    rmSync(theirs);
  }
} finally {
  rmSync(scratch, { recursive: true });
}
