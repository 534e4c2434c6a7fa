import type { DataRow } from "../../data-files/jsonl.ts";

/** A maths problem in LLM-Adapters' form: instruction, input, output (a solution, or empty), answer (a number or a letter). */
export interface AdaptersMaths {
  readonly question: string;
  readonly solution: string;
  /** Without thousands separators and trailing zeros: `576` of `576.0`. */
  readonly answer: string;
  /** Whether the solution ends in the answer. Many do not: a language model wrote them. */
  readonly isSolved: boolean;
}

/** Largest difference from the right number: LLM-Adapters' own. */
const tolerance = 0.001;

/** Reads a row of maths of LLM-Adapters; undefined for rows of another form. */
export function readAdaptersMaths(row: DataRow["value"]): AdaptersMaths | undefined {
  const { instruction, input, output, answer: given } = row;
  if (typeof instruction !== "string" || typeof output !== "string") return undefined;
  if (typeof given !== "string" && typeof given !== "number") return undefined;
  const question = joinInput(instruction.trim(), typeof input === "string" ? input : "");
  const [solution, answer] = [output.trim(), plainNumber(String(given))];
  return { question, solution, answer, isSolved: endsIn(solution, answer) };
}

const joinInput = (instruction: string, input: string) =>
  input.trim() === "" ? instruction : `${instruction}\n\n${input}`;

/** A number without thousands separators and trailing zeros; other text only trimmed. */
export function plainNumber(text: string): string {
  const number = numberOf(text);
  return number === undefined ? text.trim() : String(number);
}

function numberOf(text: string): number | undefined {
  const plain = text.replaceAll(",", "").trim();
  const number = plain === "" ? Number.NaN : Number(plain);
  return Number.isFinite(number) ? number : undefined;
}

/** The last number of a text, without its commas, as LLM-Adapters finds it. */
export function lastNumber(text: string): string | undefined {
  return text
    .replaceAll(",", "")
    .match(/-?\d+\.?\d*/g)
    ?.at(-1);
}

/** Whether a number is the right one, within LLM-Adapters' tolerance. */
export function isSameNumber(found: string, right: string): boolean {
  return Math.abs(Number(found) - Number(right)) <= tolerance;
}

function endsIn(solution: string, answer: string): boolean {
  if (numberOf(answer) === undefined) return solution.match(/\(([A-Z])\)/g)?.at(-1) === `(${answer})`;
  const found = lastNumber(solution);
  return found !== undefined && isSameNumber(found, answer);
}
