// The figures of bench/gpu.sh: `summary.ts FOLDER [--tiny]` reads what its parts left and prints a table; FOLDER/results.json has all.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { operationsPerToken } from "./shapes.ts";

const { values, positionals } = parseArgs({
  options: { tiny: { type: "boolean", default: false } },
  allowPositionals: true,
});
const [folder = "."] = positionals;

/** The last line of a part's output, where it is JSON. */
function resultOf(part: string) {
  const lines = readFileSync(join(folder, "parts", `${part}.out`), "utf8")
    .trim()
    .split("\n");
  try {
    return JSON.parse(lines.at(-1) ?? "");
  } catch {
    return undefined;
  }
}

const names = existsSync(join(folder, "parts")) ? readdirSync(join(folder, "parts")) : [];
const parts = names.filter((name) => name.endsWith(".out")).map((name) => name.slice(0, -".out".length));
const status = (part: string) => Number(readFileSync(join(folder, "parts", `${part}.status`), "utf8"));
const results = Object.fromEntries(
  parts.map((part) => [part, { status: status(part), result: resultOf(part) }]),
);
const peak: number | undefined = results["peak"]?.result?.operationsPerSecond;
const perToken = operationsPerToken(values.tiny);
writeFileSync(
  join(folder, "results.json"),
  JSON.stringify({ tiny: values.tiny, peak, perToken, results }, null, 2),
);

if (values.tiny) console.log("a dry run: its figures say nothing about speed");
if (peak !== undefined) console.log(`peak of matrix products: ${(peak / 1e12).toFixed(3)} TFLOP/s`);
for (const [part, { status, result }] of Object.entries(results)) {
  const rate: number | undefined = result?.tokensPerSecond;
  // The operations of a token are those of LLaMA-3-8B.
  const share =
    rate === undefined || peak === undefined || part.startsWith("small")
      ? ""
      : `, ${((100 * rate * perToken) / peak).toFixed(1)} % of the peak`;
  const figures = rate === undefined ? "" : `${rate.toFixed(0)} tokens/s${share}`;
  console.log(
    `${part.padEnd(16)} ${status === 0 ? "ok" : `failed (${status})`} ${figures} ${result?.note ?? ""}`.trimEnd(),
  );
}
