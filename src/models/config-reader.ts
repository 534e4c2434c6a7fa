import { ScaloraError } from "../util/errors.ts";
import { formatProblems } from "../util/format.ts";
import { isRecord } from "../util/json.ts";
import { nearestName } from "../util/nearest-name.ts";
import { isWithinLimits, limitsText, type NumberLimits } from "../util/number-limits.ts";

/**
 * Keys of Hugging Face configs that do not change a model's outputs: settings of generation, of what is returned, and of the
 * model's origin.
 */
const ignoredKeys: readonly string[] = (
  "architectures auto_map bad_words_ids begin_suppress_tokens bos_token_id cache_implementation " +
  "decoder_start_token_id diversity_penalty " +
  "do_sample dtype early_stopping encoder_no_repeat_ngram_size eos_token_id exponential_decay_length_penalty " +
  "finetuning_task forced_bos_token_id forced_eos_token_id id2label initializer_range label2id length_penalty " +
  "max_length min_length model_type no_repeat_ngram_size num_beam_groups num_beams num_return_sequences " +
  "output_attentions output_hidden_states output_scores pad_token_id prefix problem_type remove_invalid_values " +
  "repetition_penalty return_dict return_dict_in_generate sep_token_id suppress_tokens task_specific_params " +
  "temperature tf_legacy_loss tokenizer_class top_k top_p torch_dtype torchscript transformers.js_config " +
  "transformers_version typical_p unk_token_id unsloth_fixed unsloth_version use_bfloat16 use_cache"
).split(" ");

const mostLayers = 1024;
const positive = { above: 0 };

/**
 * Reads a model's config key by key and collects the problems (invalid values, keys that nobody read), so that
 * `throwIfInvalid` can report all of them at once.
 */
export class ConfigReader {
  private readonly values: Readonly<Record<string, unknown>>;
  private readonly where: string;
  private readonly problems: string[] = [];
  private readonly known: Set<string>;

  /** @param where location of the config, for messages */
  constructor(
    values: Readonly<Record<string, unknown>>,
    where: string,
    harmless: readonly string[] = ignoredKeys,
  ) {
    this.values = values;
    this.where = where;
    this.known = new Set(harmless);
  }

  /** The raw value; null counts as absent. */
  value(key: string): unknown {
    this.known.add(key);
    return (Object.hasOwn(this.values, key) ? this.values[key] : undefined) ?? undefined;
  }

  /** Whether the key is present, even if null. */
  has(key: string): boolean {
    return Object.hasOwn(this.values, key);
  }

  /** An integer, at least 1. */
  positiveInteger(key: string, fallback?: number): number {
    return this.numberWithin(key, { whole: true, least: 1 }, fallback);
  }

  /** `num_hidden_layers`, limited: an absurd count would fill the memory before the weights are checked. */
  numHiddenLayers(fallback: number): number {
    return this.numberWithin("num_hidden_layers", { whole: true, least: 1, most: mostLayers }, fallback);
  }

  /** A finite number, at least `least`. */
  number(key: string, least: number, fallback?: number): number {
    return this.numberWithin(key, { least }, fallback);
  }

  /** An integer, at least 1; undefined for null; `fallback` where the key is absent. */
  positiveIntegerOrNull(key: string, fallback?: number): number | undefined {
    return this.isNull(key) || (this.value(key) ?? fallback) === undefined
      ? undefined
      : this.positiveInteger(key, fallback);
  }

  /** A number above 0; undefined for null; `fallback` where the key is absent. */
  positiveNumberOrNull(key: string, fallback?: number): number | undefined {
    if (this.isNull(key)) return undefined;
    const fits = (value: unknown): value is number | undefined => isWithinLimits(value, positive);
    return this.read<number | undefined>(key, `${limitsText(positive)}, or null`, fits, fallback, false);
  }

  /** Whether the key is present and null; for a few keys that differs from being absent. */
  isNull(key: string): boolean {
    return Object.hasOwn(this.values, key) && this.values[key] === null;
  }

  boolean(key: string, fallback: boolean): boolean {
    return this.read(
      key,
      "true or false",
      (value): value is boolean => typeof value === "boolean",
      fallback,
      false,
    );
  }

  string(key: string, fallback: string): string {
    return this.read(key, "a string", (value): value is string => typeof value === "string", fallback, false);
  }

  /** A list of so many numbers above 0. */
  numbers(key: string, length: number): readonly number[] {
    const fits = (value: unknown): value is number[] =>
      Array.isArray(value) &&
      value.length === length &&
      value.every((item) => isWithinLimits(item, positive));
    return this.read<readonly number[]>(key, `a list of ${length} numbers above 0`, fits, [], true);
  }

  /** A nested config, or undefined where it is absent. */
  object(key: string): Readonly<Record<string, unknown>> | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    if (isRecord(value)) return value;
    this.addProblem(`${key}: expected an object, found ${JSON.stringify(value)}`);
    return undefined;
  }

  /** Refuses every value of `key` except the neutral ones; the key may be absent. */
  allowOnly(key: string, neutral: readonly unknown[], reason: string): void {
    const value = this.value(key);
    if (value === undefined || neutral.some((item) => JSON.stringify(item) === JSON.stringify(value))) return;
    this.addProblem(`${key}: ${JSON.stringify(value)} is not supported (${reason})`);
  }

  /** Adds a problem that the caller found. */
  addProblem(problem: string): void {
    this.problems.push(problem);
  }

  /** @throws ScaloraError `model`, naming every problem and unknown key, if there are any */
  throwIfInvalid(): void {
    for (const [key, value] of Object.entries(this.values)) {
      if (this.known.has(key) || key.startsWith("_") || value === null || value === false) continue;
      const near = nearestName(key, this.known);
      this.addProblem(
        `${key}: unknown key, which may change the model's outputs${near === undefined ? "" : `; did you mean ${near}?`}`,
      );
    }
    if (this.problems.length === 0) return;
    throw new ScaloraError("model", `The model's config cannot be used as it is`, {
      where: this.where,
      found: formatProblems(this.problems),
      fix: "a key that does not change the model's outputs can be removed from the file",
    });
  }

  private numberWithin(key: string, limits: NumberLimits, fallback: number | undefined): number {
    const fits = (value: unknown): value is number => isWithinLimits(value, limits);
    return this.read(key, limitsText(limits), fits, fallback ?? Number.NaN, fallback === undefined);
  }

  private read<T>(
    key: string,
    expected: string,
    fits: (value: unknown) => value is T,
    fallback: T,
    required: boolean,
  ): T {
    const value = this.value(key);
    if (value === undefined) {
      if (required) this.addProblem(`${key}: missing, expected ${expected}`);
      return fallback;
    }
    if (fits(value)) return value;
    this.addProblem(`${key}: expected ${expected}, found ${JSON.stringify(value)}`);
    return fallback;
  }
}
