// Sizes and perplexities of a model in every type of GGUF file, and of the quantised ones with an importance matrix too: the table of
// docs/gguf.md.
//   npm run tool -- bench/gguf-perplexity.ts MODEL TEXT RESULTS.jsonl [--chunks 20] [--types q4_k_m,q8_0,…] [--imatrix FILE.gguf]
// Perplexities are those of the beginning of a text, as llama-perplexity measures them: pieces of 512 tokens, each alone, of which the
// second half counts. (Its own figures for quantised files differ a little: llama.cpp rounds the inputs of each product to 8 bits
// too.) One line a file is appended to RESULTS, and files that it holds are not measured again: what was stopped goes on.
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { deviation, mean } from "../src/compare/statistics.ts";
import { modelPath } from "../src/download/index.ts";
import { exportGguf } from "../src/export/export-merged.ts";
import { exportDTypes, isQuantisedDType } from "../src/export/gguf-file-types.ts";
import { readGgufHeader } from "../src/gguf/header.ts";
import { type Imatrix, readImatrix } from "../src/gguf/quantise/imatrix.ts";
import { type CausalLM, loadModel, loadTokenizer, torch } from "../src/index.ts";
import { causalLossSum } from "../src/nn/causal-loss.ts";
import { formatBytes } from "../src/util/format.ts";
import { keptRows } from "./kept-rows.ts";

const chunkTokens = 512;
const firstScored = chunkTokens / 2;
/** The last token has no next one to predict. */
const scoredTokens = chunkTokens - firstScored - 1;

/** What is measured, and of what. */
interface Case {
  readonly model: string;
  readonly text: string;
  readonly chunks: number;
  readonly type: string;
  /** The importance matrix, by its file's name; empty without. */
  readonly imatrix: string;
}

interface Row extends Case {
  readonly bytes: number;
  /** Mean −log p of each piece, in nats a token. */
  readonly losses: readonly number[];
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    chunks: { type: "string", default: "20" },
    types: { type: "string", default: exportDTypes.join(",") },
    imatrix: { type: "string" },
  },
});
const [given = "", textPath = "", resultsPath = ""] = positionals;
if (resultsPath === "") throw new Error("MODEL, TEXT and RESULTS.jsonl are needed");
const baseFolder = modelPath(given);
const chunks = Number(options.chunks);
const text = readFileSync(textPath, "utf8").slice(0, chunks * chunkTokens * 8);

/** The text's first tokens, in pieces; each begins with the token that begins texts, where the model has one. */
async function pieces(path: string): Promise<Int32Array[]> {
  const tokenizer = await loadTokenizer(path);
  const { metadata } = readGgufHeader(path);
  const begin = metadata.boolean("tokenizer.ggml.add_bos_token")
    ? metadata.count("tokenizer.ggml.bos_token_id")
    : undefined;
  const { ids } = await tokenizer.encode(text);
  const all = begin !== undefined && ids[0] !== begin ? [begin, ...ids] : [...ids];
  return Array.from({ length: chunks }, (_, index) => {
    const piece = Int32Array.from(all.slice(index * chunkTokens, (index + 1) * chunkTokens));
    if (piece.length < chunkTokens) throw new Error(`the text has fewer than ${chunks} pieces`);
    if (begin !== undefined) piece[0] = begin;
    return piece;
  });
}

/** Mean −log p of the scored tokens of a piece. */
function lossOf(model: CausalLM, tokens: Int32Array): number {
  const labelPositions = Int32Array.from({ length: scoredTokens }, (_, i) => firstScored + i);
  const labelTargets = labelPositions.map((position) => tokens[position + 1] ?? 0);
  const batch = { tokens, offsets: [0, tokens.length], labelPositions, labelTargets };
  return torch.noGrad(() => torch.scope(() => causalLossSum(model, batch).item())) / scoredTokens;
}

const readRows = (): Row[] => keptRows(resultsPath);

/** The row of a file, if it is there. */
function measured(wanted: Case): Row | undefined {
  const same = (row: Row) =>
    row.model === wanted.model &&
    row.text === wanted.text &&
    row.chunks === wanted.chunks &&
    row.type === wanted.type &&
    row.imatrix === wanted.imatrix;
  return readRows().find(same);
}

async function measure(wanted: Case, exact: CausalLM, imatrix: Imatrix | undefined): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), "gguf-perplexity-"));
  try {
    const file = join(scratch, "model.gguf");
    const dtype = exportDTypes.find((name) => name === wanted.type);
    const open = { model: exact, adapters: undefined, baseFolder };
    exportGguf(open, file, { dtype, imatrix: wanted.imatrix === "" ? undefined : imatrix });
    using model = await loadModel(file, { dtype: "float32", device: "cpu" });
    const losses = (await pieces(file)).map((piece) => lossOf(model, piece));
    const row: Row = { ...wanted, bytes: statSync(file).size, losses };
    appendFileSync(resultsPath, `${JSON.stringify(row)}\n`);
    process.stderr.write(`${wanted.type} ${wanted.imatrix} ${Math.exp(mean(losses)).toFixed(4)}\n`);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** How far a file's perplexity is from that of float32, with the standard error of that, over the pieces. */
function change(losses: readonly number[], exact: readonly number[] | undefined): string {
  if (exact === undefined || exact === losses) return "";
  const differences = losses.map((loss, i) => loss - (exact[i] ?? Number.NaN));
  const error = (deviation(differences) ?? Number.NaN) / Math.sqrt(differences.length);
  const difference = 100 * Math.expm1(mean(differences));
  return `${difference < 0 ? "−" : "+"}${Math.abs(difference).toFixed(2)} ± ${(100 * error).toFixed(2)} %`;
}

function printTable(cases: readonly Case[]): void {
  const rows = cases.flatMap((wanted) => measured(wanted) ?? []);
  const exact = rows.find(({ type }) => type === "float32")?.losses;
  const lines = rows.map(({ type, imatrix, bytes, losses }) => {
    const name = `\`${type}\`${imatrix === "" ? "" : ", importance matrix"}`;
    const cells = [name, formatBytes(bytes), Math.exp(mean(losses)).toFixed(3), change(losses, exact)];
    return `| ${cells.join(" | ")} |`;
  });
  const head = ["| Type | Size | Perplexity | Against float32 |", "|---|---|---|---|"];
  process.stdout.write(`${[...head, ...lines].join("\n")}\n`);
}

const imatrix = options.imatrix === undefined ? undefined : readImatrix(options.imatrix);
const place = { model: basename(baseFolder), text: basename(textPath), chunks };
const cases = exportDTypes
  .filter((type) => options.types.split(",").includes(type))
  .flatMap((type): Case[] => {
    const plain = { ...place, type, imatrix: "" };
    // Q8_0's blocks have no choice that a matrix could weigh.
    const weighted = imatrix !== undefined && isQuantisedDType(type) && type !== "q8_0";
    return weighted ? [plain, { ...plain, imatrix: imatrix.file }] : [plain];
  });
{
  using exact = await loadModel(baseFolder, { dtype: "float32", device: "cpu" });
  for (const wanted of cases) if (measured(wanted) === undefined) await measure(wanted, exact, imatrix);
}
printTable(cases);
