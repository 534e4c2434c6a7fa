import type { OpenLanguageModel } from "../assemble/open-model.ts";
import type { Example } from "../data/index.ts";

/** Rows of each of these are in no other one. */
export const splitNames = ["train", "validation", "test"] as const;
export type Split = (typeof splitNames)[number];

/** One exercise. */
export interface Exercise {
  /** A line of a JSONL file. */
  readonly row: Readonly<Record<string, unknown>>;
  /** What is asked, as a person reads it. */
  readonly question: string;
  readonly expected: string;
}

/** The exercises of each part. */
export type ExerciseSplits = Readonly<Record<Split, readonly Exercise[]>>;

/** How an answer fares. */
export interface Grade {
  readonly exact: boolean;
  /** Right parts of the answer, words or fields, and how many it should have. */
  readonly right: number;
  readonly parts: number;
}

/** What a model made of exercises: a grade of each, and the texts of the first ones at least. */
export interface Answers {
  readonly grades: readonly Grade[];
  readonly texts: readonly string[];
}

/** A method with the settings that its own sweep found best. */
export interface MethodSettings {
  readonly adapter: Readonly<Record<string, unknown>> & { readonly method: string };
  /** Peak learning rate. */
  readonly lr: number;
}

/** How long and in which pieces a job's runs train, the same for all methods. */
export interface Training {
  readonly steps: number;
  readonly batchSize: number;
  /** Evaluations on the validation rows, and checkpoints. */
  readonly evaluations: number;
  readonly keepLast: number;
}

/** What a quickstart teaches, to which model, and how it is measured. */
export interface Demo {
  /** In a few words. */
  readonly title: string;
  /** What a person should know first. */
  readonly intro: string;
  /** Says in the report what was done. */
  readonly summary: string;
  /** How to read the comparison. */
  readonly remark: string;
  /** What the rows of a test, and the parts of an answer, are called. */
  readonly names: { readonly item: string; readonly part: string };
  /** The model's folder or file. */
  readonly model: string;
  readonly rank: number;
  readonly methods: readonly MethodSettings[];
  readonly training: Training;
  /** Precision and device of the runs. */
  readonly compute: { readonly dtype: "auto" | "float32"; readonly device: "auto" | "cpu" };
  /** Threads that it computes with; all cores by default. */
  readonly threads?: number;
  /** The merged model: its file or folder in the quickstart's folder, and how it is stored. */
  readonly output: {
    readonly name: string;
    readonly format: "folder" | "gguf";
    readonly dtype: "float32" | "q8_0";
  };
  /** Programs that ask the merged model, by the names of their files beside it. */
  programs(question: string): Readonly<Record<string, string>>;
  /** Commands that ask the merged model. @param path of a name in the quickstart's folder, as a word of a shell */
  next(path: (name: string) => string, question: string): string[];
  /** The exercises of a seed. */
  makeExercises(seed: number): ExerciseSplits;
  /** Answers the exercises greedily, at least the first `shown` in words, and grades them all. */
  answer(
    open: OpenLanguageModel,
    exercises: { items: readonly Exercise[]; examples: readonly Example[] },
    options: { shown: number; signal: AbortSignal },
  ): Promise<Answers>;
}
