import { ScaloraError } from "../util/errors.ts";
import { formatCountOf } from "../util/format.ts";
import { isWithinLimits, limitsText } from "../util/number-limits.ts";
import { clip } from "../util/quote.ts";
import type { EncodedText } from "./example-encoder.ts";
import type { DroppedRow } from "./formats/types.ts";
import type { DataConfig, Example } from "./types.ts";

/** The longest allowed sequence, and the policy for longer ones. */
export interface LengthLimit {
  maxLength: number;
  tooLong: NonNullable<DataConfig["tooLong"]>;
}

/** @throws ScaloraError `config` for an invalid `maxLength`, or one above the model's. */
export function readLengthLimit({ maxLength, tooLong }: DataConfig, modelLength: number): LengthLimit {
  requireModelLength(modelLength);
  if (maxLength === undefined) return { maxLength: modelLength, tooLong: tooLong ?? "error" };
  const limits = { whole: true, least: 2 };
  if (!isWithinLimits(maxLength, limits))
    throw new ScaloraError("config", "data.maxLength is out of range", {
      where: "data.maxLength",
      expected: limitsText(limits),
      found: String(maxLength),
    });
  if (maxLength > modelLength)
    throw new ScaloraError("config", "data.maxLength is above the model's maximum", {
      where: "data.maxLength",
      expected: `at most ${modelLength} tokens, the positions of the model`,
      found: `${maxLength}`,
      fix: `set data.maxLength (or --max-length) to ${modelLength} or less, or leave it out: then the model's counts`,
    });
  return { maxLength, tooLong: tooLong ?? "truncate" };
}

/** Programs without types may leave it out, and no row would be too long. */
function requireModelLength(modelLength: number): void {
  if (isWithinLimits(modelLength, { whole: true, least: 1 })) return;
  throw new ScaloraError("config", "The model's context length is missing", {
    where: "maxLength, in the options of loadDataset or loadExamples",
    expected: "a number of tokens: model.info.maxPositions",
    found: String(modelLength),
  });
}

/** A tokenised row of classification data. */
export interface EncodedLabelledRow {
  readonly example: Example;
  readonly truncated: boolean;
}

/** Most dropped rows that an error names. */
const maxNamedRows = 10;
/** Characters of what is found in each of them. */
const maxFound = 80;

/** Collects encoded rows: applies the length limit, keeps rows with labels and counts the others. */
export class RowCollector {
  readonly examples: Example[] = [];
  readonly dropped: DroppedRow[] = [];
  rows = 0;
  rejected = 0;
  truncated = 0;
  labelTokens = 0;
  tokens = 0;
  straddling = 0;
  /** Preference rows whose two answers are equal. */
  equalAnswers = 0;
  /** Rows of `dropped` that the length limit left out. */
  private cut = 0;
  private readonly limit: LengthLimit;
  private readonly rowErrors: ScaloraError[] = [];

  constructor(limit: LengthLimit) {
    this.limit = limit;
  }

  /** Leaves a row out: it is counted as rejected, or listed with its reason. */
  drop({ isRejected, source, reason }: DroppedRow): void {
    if (isRejected) this.rejected++;
    else this.dropped.push({ source, reason });
  }

  /** Adds the error of an invalid row, for `throwErrors`. */
  addError(error: ScaloraError): void {
    this.rowErrors.push(error);
  }

  /** @throws ScaloraError `data`: the first error, with the number and the places of similar ones */
  throwErrors(): void {
    const [first, ...rest] = this.rowErrors;
    if (first === undefined) return;
    const kind = (error: ScaloraError) => error.message.replace(/\n.*/s, "");
    const others = rest.filter((error) => kind(error) === kind(first));
    if (others.length === 0) throw first;
    const places = others
      .slice(0, maxNamedRows)
      .map(
        ({ where, found = "" }) => `${where}${found === first.found ? "" : ` (${clip(found, maxFound)})`}`,
      );
    const more = others.length > maxNamedRows ? ", …" : "";
    const { where, expected, fix } = first;
    const found = `${first.found}, and ${formatCountOf(others.length, "more row")} like it: ${places.join(", ")}${more}`;
    throw new ScaloraError("data", kind(first), { where, expected, found, fix });
  }

  /** Adds a row, or applies the policy for rows beyond the limit. */
  add({ example, straddlesPromptEnd }: EncodedText): void {
    const fitted = this.applyLimit(example);
    if (fitted === undefined) return;
    const labels = fitted.isLabel.reduce((total, label) => total + label, 0);
    if (labels === 0) {
      const { source } = example;
      if (fitted === example) this.dropped.push({ source, reason: "none of its tokens is a label" });
      else this.dropCut(source, `its labels are beyond ${this.limit.maxLength} tokens`);
      return;
    }
    if (fitted !== example) this.truncated++;
    if (straddlesPromptEnd) this.straddling++;
    this.labelTokens += labels;
    this.tokens += fitted.ids.length;
    this.examples.push(fitted);
  }

  /**
   * Adds a row of classification data, or applies the policy for rows beyond the limit. The tokenizer has already truncated the
   * row if that is the policy.
   */
  addLabelled({ example, truncated }: EncodedLabelledRow): void {
    const fitted = this.applyLimit(example);
    if (fitted === undefined) return;
    if (truncated) this.truncated++;
    this.labelTokens++;
    this.tokens += fitted.ids.length;
    this.examples.push(fitted);
  }

  /** @throws ScaloraError `data` for a file of preferences that prefers nothing */
  refuseEqualAnswers(path: string): void {
    if (this.equalAnswers === 0 || this.equalAnswers < this.rows) return;
    throw new ScaloraError("data", "There is no preference to learn from", {
      where: path,
      expected: "rows with a chosen answer that differs from the rejected one",
      found: `${formatCountOf(this.rows, "row")} whose chosen and rejected answers are equal`,
      fix: "give a file of preferences; to train on the answers as they are, make prompts and completions of them",
    });
  }

  /** The error for a file of which every row was dropped. */
  noTrainableRowsError(path: string): ScaloraError {
    const rows = this.dropped.slice(0, maxNamedRows).map(({ source, reason }) => `${source} (${reason})`);
    const more = this.dropped.length > maxNamedRows ? `, and ${this.dropped.length - maxNamedRows} more` : "";
    const found = [
      ...(this.rejected > 0 ? [`${formatCountOf(this.rejected, "rejected answer")}`] : []),
      ...(rows.length > 0
        ? [`${formatCountOf(this.dropped.length, "row")} dropped: ${rows.join(", ")}${more}`]
        : []),
    ];
    return new ScaloraError("data", "No row of a data file has a label to train on", {
      where: path,
      found: found.join("; "),
      fix: this.cures().join("; "),
    });
  }

  /** What helps against each kind of reason why rows were left out. */
  private cures(): string[] {
    return [
      ...(this.cut > 0 ? ["raise data.maxLength"] : []),
      ...(this.rejected > 0 ? ["give a file with rows whose label is true"] : []),
      ...(this.dropped.length > this.cut
        ? ["give these rows what they lack (in brackets after each), or give another file"]
        : []),
    ];
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
    this.dropCut(source, `it has ${ids.length} tokens, more than ${maxLength}`);
    return undefined;
  }

  private dropCut(source: string, reason: string): void {
    this.cut++;
    this.dropped.push({ source, reason });
  }
}
