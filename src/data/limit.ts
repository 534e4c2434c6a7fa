import { ScaloraError } from "../util/errors.ts";
import { counted } from "../util/format.ts";
import type { EncodedText } from "./encode.ts";
import type { DataConfig, DroppedRow, Example } from "./types.ts";

/** The longest sequence, and what becomes of longer ones. */
export interface Limit {
  length: number;
  tooLong: NonNullable<DataConfig["tooLong"]>;
}

/** @throws ScaloraError `config` for a `maxLength` that is no length, or longer than the model's. */
export function readLimit({ maxLength, tooLong }: DataConfig, modelLength: number): Limit {
  if (maxLength === undefined) return { length: modelLength, tooLong: tooLong ?? "error" };
  if (!Number.isSafeInteger(maxLength) || maxLength < 2)
    throw new ScaloraError("config", "data.maxLength must be a whole number of tokens, 2 or more", {
      found: String(maxLength),
    });
  if (maxLength > modelLength)
    throw new ScaloraError("config", "data.maxLength is longer than the model", {
      expected: `at most ${modelLength} tokens`,
      found: `${maxLength}`,
    });
  return { length: maxLength, tooLong: tooLong ?? "truncate" };
}

/** A tokenised row of a classification. */
export interface EncodedRow {
  readonly example: Example;
  readonly truncated: boolean;
}

/** How many dropped rows an error names. */
const named = 10;

/** Takes encoded rows one by one, applies the limit, keeps those with labels and counts everything. */
export class RowCollector {
  readonly examples: Example[] = [];
  readonly dropped: DroppedRow[] = [];
  rows = 0;
  truncated = 0;
  labelTokens = 0;
  tokens = 0;
  straddling = 0;
  private readonly limit: Limit;
  private readonly faults: ScaloraError[] = [];

  constructor(limit: Limit) {
    this.limit = limit;
  }

  /** Notes a row that cannot be used; `refuseFaults` tells them together. */
  fault(error: ScaloraError): void {
    this.faults.push(error);
  }

  /** @throws ScaloraError `data`: the first fault, with the number and the places of others of its kind */
  refuseFaults(): void {
    const [first, ...rest] = this.faults;
    if (first === undefined) return;
    const kind = (error: ScaloraError) => error.message.split("\n")[0];
    const others = rest.filter((error) => kind(error) === kind(first));
    if (others.length === 0) throw first;
    const places = others.slice(0, named).map(({ where, found }) => `${where} (${found})`);
    const more = others.length > named ? ", …" : "";
    const { where, expected, fix } = first;
    const found = `${first.found}, and ${counted(others.length, "more row")} like it: ${places.join(", ")}${more}`;
    throw new ScaloraError("data", kind(first), { where, expected, found, fix });
  }

  /** Takes a row; one beyond the limit is a fault where the policy says so. */
  add({ example, straddles }: EncodedText): void {
    const fitted = this.fit(example);
    if (fitted === undefined) return;
    const labels = fitted.isLabel.reduce((total, label) => total + label, 0);
    if (labels === 0) {
      const cut = fitted !== example;
      const reason = cut ? `its labels lie beyond ${this.limit.length} tokens` : "no token of it is a label";
      this.dropped.push({ source: example.source, reason });
      return;
    }
    if (fitted !== example) this.truncated++;
    if (straddles) this.straddling++;
    this.labelTokens += labels;
    this.tokens += fitted.ids.length;
    this.examples.push(fitted);
  }

  /**
   * Takes a row of a classification, which the tokenizer has cut where the policy is to truncate; one beyond the limit is a
   * fault where the policy says so.
   */
  addLabelled({ example, truncated }: EncodedRow): void {
    const fitted = this.fit(example);
    if (fitted === undefined) return;
    if (truncated) this.truncated++;
    this.labelTokens++;
    this.tokens += fitted.ids.length;
    this.examples.push(fitted);
  }

  /** The error for a file of which every row was dropped. */
  nothingLeft(path: string): ScaloraError {
    const rows = this.dropped.slice(0, named).map(({ source, reason }) => `${source} (${reason})`);
    const more = this.dropped.length > named ? `, and ${this.dropped.length - named} more` : "";
    return new ScaloraError("data", "No row of a data file has a label to train on", {
      where: path,
      found: `${counted(this.dropped.length, "row")} dropped: ${rows.join(", ")}${more}`,
      fix: "raise data.maxLength if labels were cut off; check train flags and empty completions",
    });
  }

  private fit(example: Example): Example | undefined {
    const { length, tooLong } = this.limit;
    const { ids, isLabel, source } = example;
    if (ids.length <= length) return example;
    if (tooLong === "error") {
      const fault = new ScaloraError("data", "A row is longer than the sequence limit", {
        where: source,
        expected: `at most ${length} tokens`,
        found: `${ids.length} tokens`,
        fix: "set data.maxLength (or --max-length) to cut longer rows there, or data.tooLong to truncate or drop",
      });
      this.fault(fault);
      return undefined;
    }
    if (tooLong === "truncate")
      return { ids: ids.slice(0, length), isLabel: isLabel.slice(0, length), source };
    this.dropped.push({ source, reason: `it has ${ids.length} tokens, more than ${length}` });
    return undefined;
  }
}
