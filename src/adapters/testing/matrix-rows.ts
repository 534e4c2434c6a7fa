import { vi } from "vitest";
import { inputGain } from "../../../examples/input-gain/input-gain.ts";
import { elementAt, required } from "../../util/elements.ts";
import { DoraBank } from "../dora/dora-bank.ts";
import { type AdapterSet, LayerAdapters } from "../index.ts";
import { type MoraType, squareWidth } from "../mora/square-bank.ts";
import { registerMethod } from "../registry.ts";
import type { Expected } from "./contract-matrix.ts";

const factors = (m: number, n: number, rank: number) => (m + n) * rank;
const lowRank = { start: "exact", parameters: factors, highestRank: Math.min } as const;

// A method from outside the package, which must do what those of the package do.
registerMethod(inputGain);

/** Every method of training, with what the contract expects of it. */
export const methodsAlone: Readonly<Record<string, Expected>> = {
  lora: {
    ...lowRank,
    options: (rank) => ({ method: "lora", rank }),
    base: "frozen",
    folder: true,
  },
  qlora: {
    ...lowRank,
    options: (rank) => ({ method: "qlora", rank }),
    base: "frozen",
    folder: true,
    onNf4: true,
  },
  "lora+": {
    ...lowRank,
    options: (rank) => ({ method: "lora+", rank }),
    base: "frozen",
    folder: true,
  },
  "lora-ga": {
    ...lowRank,
    options: (rank) => ({ method: "lora-ga", rank }),
    base: "frozen",
    highestRank: (m, n) => Math.floor(Math.min(m, n) / 2),
    folder: true,
    begins: true,
  },
  pissa: {
    ...lowRank,
    options: (rank) => ({ method: "pissa", rank }),
    base: "frozen",
    folder: true,
  },
  dora: {
    ...lowRank,
    options: (rank) => ({ method: "dora", rank }),
    start: "rounding",
    base: "frozen",
    parameters: (m, n, rank) => factors(m, n, rank) + m,
    folder: true,
    hold: holdRowNorms,
  },
  hira: {
    ...lowRank,
    options: (rank) => ({ method: "hira", rank }),
    base: "frozen",
    folder: true,
  },
  fourierft: {
    options: (rank) => ({ method: "fourierft", frequencies: 6 * rank, scaling: 20 }),
    start: "other",
    base: "frozen",
    parameters: (_m, _n, rank) => 6 * rank,
    folder: true,
  },
  mora: {
    options: (rank) => ({ method: "mora", rank }),
    start: "exact",
    base: "frozen",
    parameters: (m, n, rank) => squareWidth(m, n, rank, "rotation") ** 2,
    highestRank: (m, n) => highestSquare(m, n, "rotation"),
    folder: false,
  },
  "mora, sharing": {
    options: (rank) => ({ method: "mora", rank, type: "sharing" }),
    start: "exact",
    base: "frozen",
    parameters: (m, n, rank) => squareWidth(m, n, rank, "sharing") ** 2,
    highestRank: (m, n) => highestSquare(m, n, "sharing"),
    folder: false,
  },
  scalora: {
    ...lowRank,
    options: (rank) => ({ method: "scalora", rank }),
    base: "absorbs",
    folder: false,
  },
  "scalora-i": {
    ...lowRank,
    options: (rank) => ({ method: "scalora-i", rank, interval: 2 }),
    base: "absorbs",
    folder: false,
  },
  "scalora, factored": {
    ...lowRank,
    options: (rank) => ({ method: "scalora", rank, base: "factored", baseRank: rank + 1 }),
    base: "frozen",
    folder: true,
  },
  "scalora-i, factored": {
    ...lowRank,
    options: (rank) => ({ method: "scalora-i", rank, interval: 2, base: "factored", baseRank: rank + 1 }),
    base: "frozen",
    folder: true,
  },
  "scalora, magnitude": {
    ...lowRank,
    options: (rank) => ({ method: "scalora", rank, magnitude: true }),
    start: "rounding",
    base: "absorbs",
    parameters: (m, n, rank) => factors(m, n, rank) + m,
    folder: false,
    hold: holdRowNorms,
  },
  "scalora, magnitude, factored": {
    ...lowRank,
    options: (rank) => ({ method: "scalora", rank, magnitude: true, base: "factored", baseRank: rank + 1 }),
    start: "rounding",
    base: "frozen",
    parameters: (m, n, rank) => factors(m, n, rank) + m,
    folder: true,
    hold: holdRowNorms,
  },
  "relora, factored": {
    ...lowRank,
    options: (rank) => ({ method: "relora", rank, interval: 3, base: "factored" }),
    base: "frozen",
    folder: true,
  },
  "flora, factored": {
    ...lowRank,
    options: (rank) => ({ method: "flora", rank, interval: 3, base: "factored" }),
    base: "frozen",
    parameters: (m, _n, rank) => m * rank,
    folder: true,
  },
  relora: {
    ...lowRank,
    options: (rank) => ({ method: "relora", rank, interval: 3 }),
    base: "absorbs",
    folder: false,
  },
  flora: {
    ...lowRank,
    options: (rank) => ({ method: "flora", rank, interval: 3 }),
    base: "absorbs",
    parameters: (m, _n, rank) => m * rank,
    folder: false,
  },
  "input-gain": {
    options: () => ({ method: "input-gain" }),
    start: "exact",
    base: "frozen",
    parameters: (_m, n) => n,
    folder: false,
  },
  full: {
    options: () => ({ method: "full" }),
    start: "exact",
    base: "trained",
    parameters: (m, n) => m * n,
    folder: false,
  },
};

/** The rows that work on a base in 4 bits, too. */
export const nf4Names = [
  "lora",
  "lora+",
  "dora",
  "hira",
  "fourierft",
  "mora",
  "mora, sharing",
  "input-gain",
  "scalora, factored",
  "scalora-i, factored",
  "scalora, magnitude, factored",
  "relora, factored",
  "flora, factored",
];

const onNf4 = (name: string) => ({ ...required(methodsAlone[name], name), onNf4: true });
/** Every row of the matrix: each method, and what works on a base in 4 bits once more on one. */
export const matrix: Readonly<Record<string, Expected>> = {
  ...methodsAlone,
  ...Object.fromEntries(nf4Names.map((name) => [`${name}, NF4`, onNf4(name)])),
};

/** The highest rank whose square is no wider than the layer. */
const highestSquare = (m: number, n: number, type: MoraType) =>
  Math.max(...[1, 2, 3, 4, 5].filter((rank) => squareWidth(m, n, rank, type) <= Math.min(m, n)));

/** DoRA's gradient takes the lengths of the rows for constants. */
function holdRowNorms(adapters: AdapterSet): void {
  if (!(adapters instanceof LayerAdapters)) return;
  for (const bank of adapters.banks) {
    if (!(bank instanceof DoraBank)) continue;
    const norms = bank.layers.map((_, index) => bank.rowNorms(index));
    vi.spyOn(bank, "rowNorms").mockImplementation((index) => elementAt(norms, index));
  }
}
