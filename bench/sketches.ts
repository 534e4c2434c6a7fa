// What a look of `run.analysis` costs for one layer of several sizes, one thread, beside the exact decomposition:
// npx tsx bench/sketches.ts
import { leadingSpectrum, significantSpectrum } from "../src/analysis/singular-values.ts";
import { Generator, linalgSvdvals, matmul, randn, scope, setThreads, toDType } from "../src/torch/index.ts";

function milliseconds(work: () => unknown): string {
  const started = performance.now();
  scope(() => void work());
  return `${(performance.now() - started).toFixed(0)} ms`;
}

setThreads(1);
for (const [m, n] of [
  [576, 576],
  [1536, 576],
  [2048, 2048],
  [4096, 4096],
] as const)
  scope(() => {
    using generator = new Generator(1, "cpu");
    const change = matmul(
      randn([m, 50], { generator, device: "cpu" }),
      randn([50, n], { generator, device: "cpu" }),
    );
    const gradient = randn([m, n], { generator, device: "cpu" });
    const exact =
      n > 2048 ? "not run" : milliseconds(() => linalgSvdvals(toDType(change, "float64")).toFloats());
    const sketched = [
      `change of rank 50: ${milliseconds(() => significantSpectrum(change))}`,
      `gradient, r = 8: ${milliseconds(() => leadingSpectrum(gradient, 16))}`,
    ];
    console.log([`${m} x ${n}`, ...sketched, `exact: ${exact}`].join("  "));
  });
