import { ScaloraError } from "../util/errors.ts";
import { formatCountOf } from "../util/format.ts";
import type { EncodedText } from "./example-encoder.ts";
import type { DataConfig, DroppedRow, Example } from "./types.ts";

/** The longest sequence, and what becomes of longer ones. */
export interface LengthLimit {
  maxLength: number;
  tooLong: NonNullable<DataConfig["tooLong"]>;
}

/** @throws ScaloraError `config` for a `maxLength` that is no length, or longer than the model's. */
export function readLengthLimit({ maxLength, tooLong }: DataConfig, modelLength: number): LengthLimit {
  if (maxLength === undefined) return { maxLength: modelLength, tooLong: tooLong ?? "error" };
  if (!Number.isSafeInteger(maxLength) || maxLength < 2)
    throw new ScaloraError("config", "data.maxLength must be a whole number of tokens, 2 or more", {
      found: String(maxLength),
    });
  if (maxLength > modelLength)
    throw new ScaloraError("config", "data.maxLength is longer than the model", {
      expected: `at most ${modelLength} tokens`,
      found: `${maxLength}`,
    });
  return { maxLength, tooLong: tooLong ?? "truncate" };
}

/** A tokenised row of a classification. */
export interface EncodedLabelledRow {
  readonly example: Example;
  readonly truncated: boolean;
}

/** How many dropped rows an error names. */
const maxNamedRows = 10;

/** Takes encoded rows one by one, applies the limit, keeps those with labels and counts everything. */
export class RowCollector {
  readonly examples: Example[] = [];
  readonly dropped: DroppedRow[] = [];
  rows = 0;
  truncated = 0;
  labelTokens = 0;
  tokens = 0;
  straddling = 0;
  private readonly limit: LengthLimit;
  private readonly rowErrors: ScaloraError[] = [];

  constructor(limit: LengthLimit) {
    this.limit = limit;
  }

  /** Notes a row that cannot be used; `refuseFaults` tells them together. */
  addError(error: ScaloraError): void {
    this.rowErrors.push(error);
  }

  /** @throws ScaloraError `data`: the first fault, with the number and the places of others of its kind */
  throwErrors(): void {
    const [first, ...rest] = this.rowErrors;
    if (first === undefined) return;
    const kind = (error: ScaloraError) => error.message.replace(/\n.*/s, "");
    const others = rest.filter((error) => kind(error) === kind(first));
    if (others.length === 0) throw first;
    const places = others.slice(0, maxNamedRows).map(({ where, found }) => `${where} (${found})`);
    const more = others.length > maxNamedRows ? ", …" : "";
    const { where, expected, fix } = first;
    const found = `${first.found}, and ${formatCountOf(others.length, "more row")} like it: ${places.join(", ")}${more}`;
    throw new ScaloraError("data", kind(first), { where, expected, found, fix });
  }

  /** Takes a row; one beyond the limit is a fault where the policy says so. */
  add({ example, straddlesPromptEnd }: EncodedText): void {
    const fitted = this.applyLimit(example);
    if (fitted === undefined) return;
    const labels = fitted.isLabel.reduce((total, label) => total + label, 0);
    if (labels === 0) {
      const cut = fitted !== example;
      const reason = cut
        ? `its labels lie beyond ${this.limit.maxLength} tokens`
        : "no token of it is a label";
      this.dropped.push({ source: example.source, reason });
      return;
    }
    if (fitted !== example) this.truncated++;
    if (straddlesPromptEnd) this.straddling++;
    this.labelTokens += labels;
    this.tokens += fitted.ids.length;
    this.examples.push(fitted);
  }

  /**
   * Takes a row of a classification, which the tokenizer has cut where the policy is to truncate; one beyond the limit is a
   * fault where the policy says so.
   */
  addLabelled({ example, truncated }: EncodedLabelledRow): void {
    const fitted = this.applyLimit(example);
    if (fitted === undefined) return;
    if (truncated) this.truncated++;
    this.labelTokens++;
    this.tokens += fitted.ids.length;
    this.examples.push(fitted);
  }

  /** The error for a file of which every row was dropped. */
  noTrainableRowsError(path: string): ScaloraError {
    const rows = this.dropped.slice(0, maxNamedRows).map(({ source, reason }) => `${source} (${reason})`);
    const more = this.dropped.length > maxNamedRows ? `, and ${this.dropped.length - maxNamedRows} more` : "";
    return new ScaloraError("data", "No row of a data file has a label to train on", {
      where: path,
      found: `${formatCountOf(this.dropped.length, "row")} dropped: ${rows.join(", ")}${more}`,
      fix: "raise data.maxLength if labels were cut off; check train flags and empty completions",
    });
  }

  private applyLimit(example: Example): Example | undefined {
    const { maxLength, tooLong } = this.limit;
    const { ids, isLabel, source } = example;
    if (ids.length <= maxLength) return example;
    if (tooLong === "error") {
      const fault = new ScaloraError("data", "A row is longer than the sequence limit", {
        where: source,
        expected: `at most ${maxLength} tokens`,
        found: `${ids.length} tokens`,
        fix: "set data.maxLength (or --max-length) to cut longer rows there, or data.tooLong to truncate or drop",
      });
      this.addError(fault);
      return undefined;
    }
    if (tooLong === "truncate")
      return { ids: ids.slice(0, maxLength), isLabel: isLabel.slice(0, maxLength), source };
    this.dropped.push({ source, reason: `it has ${ids.length} tokens, more than ${maxLength}` });
    return undefined;
  }
}
