import type { z } from "zod";
import type { Module } from "../../nn/index.ts";
import type { KeyIssue } from "../../schema/config-issue.ts";
import type { Json } from "../../util/json.ts";
import type { AdapterSet } from "./adapter-set.ts";

/** A method's options, checked by its schema: a recipe's `adapter` section with every default filled in. */
export interface AdapterConfig {
  readonly method: string;
  readonly [option: string]: Json | undefined;
}

/** Schema of a method's options: an object with `method: z.literal(name)`, or that with a transform behind it. */
export type OptionsSchema = z.ZodType<AdapterConfig> & z.core.$ZodTypeDiscriminable;

/** A section as it was written, unchecked. */
export type UncheckedSection = Readonly<Record<string, unknown>>;

/** What `attach` gets in addition to the options. */
export interface AttachContext {
  /** Seed for everything that the method draws at random. */
  readonly seed: number;
}

/** The source of a rate. */
export interface PublishedRate {
  /** Paper or script, with model and task: "its paper, for LLaMA 7B". */
  readonly source: string;
  /** The method's options there on which a good rate depends; absent where the source names none. */
  readonly options?: Readonly<Record<string, number | boolean>>;
}

/**
 * A method of training: everything that recipes, the command line, comparisons and documentation know of it. Its schema is
 * the one place of its options and their defaults.
 */
export interface Method<Schema extends OptionsSchema = OptionsSchema> {
  /** Value of `adapter.method`. */
  readonly name: string;
  /** One line for `scalora ls methods`. */
  readonly summary: string;
  /** Peak learning rate where the recipe names none. */
  readonly presetLr: number;
  /** Where the preset rate is from, and the options that it was published with; a run says when its own differ. */
  readonly published?: PublishedRate;
  /**
   * Its options. Parsing must be idempotent: a run stores its resolved recipe and parses it again when it is resumed.
   */
  readonly schema: Schema;
  /** Its page of documentation, a path in the package. */
  readonly docs?: string;
  /** Keys that have no effect with `from`, whose folder decides them; absent for methods without `from`. */
  readonly folderKeys?: readonly string[];
  /** Whether this method made an adapter folder, by its `adapter_config.json`; `--adapter` finds the method with it. */
  readonly readsFolder?: (config: Readonly<Record<string, unknown>>) => boolean;
  /** Whether the method needs a base in 4 bits: `model.quantization` is then `nf4` by default. */
  readonly quantises?: boolean;
  /** Why the method cannot train on a base in 4 bits; absent, or undefined, where it can. Works on unchecked sections. */
  readonly refusesQuantised?: (adapter: UncheckedSection) => string | undefined;
  /** Finds keys that do not go together. Works on unchecked sections, so that these problems are reported with all others. */
  readonly check?: (adapter: UncheckedSection, train: UncheckedSection) => KeyIssue[];
  /**
   * Counts its parameters on a model of which there are only names and shapes (`check`, where there is no memory for weights).
   * Absent where `attach` does without the weights; without it the number is unknown where `attach` looks at them.
   */
  countParameters?(
    outline: Module,
    options: z.output<Schema>,
    context: AttachContext,
  ): ReturnType<AdapterSet["parameterCounts"]>;
  /**
   * Freezes what the method does not train, and puts its adapters on the model.
   * @throws ScaloraError `config` for options that do not fit the model, which must be as it was then
   */
  attach(model: Module, options: z.output<Schema>, context: AttachContext): AdapterSet;
}
