import type { OpenLanguageModel } from "../assemble/open-model.ts";
import type { Example } from "../data/index.ts";

/** The data splits; they are disjoint. */
export const splitNames = ["train", "validation", "test"] as const;
export type Split = (typeof splitNames)[number];

/** One exercise. */
export interface Exercise {
  /** A line of a JSONL file. */
  readonly row: Readonly<Record<string, unknown>>;
  /** The question as readable text. */
  readonly question: string;
  readonly expected: string;
}

/** The exercises of each split. */
export type ExerciseSplits = Readonly<Record<Split, readonly Exercise[]>>;

/** The grade of an answer. */
export interface Grade {
  readonly exact: boolean;
  /** Number of correct parts (words or fields) of the answer, and of expected parts. */
  readonly right: number;
  readonly parts: number;
}

/** A model's answers: a grade for each exercise, and at least the texts of the first ones. */
export interface Answers {
  readonly grades: readonly Grade[];
  readonly texts: readonly string[];
}

/** A model that answers. */
export type AnsweringModel = Pick<OpenLanguageModel, "model" | "tokenizer" | "baseFolder">;

/** A method with the best settings of its sweep. */
export interface MethodSettings {
  readonly adapter: Readonly<Record<string, unknown>> & { readonly method: string };
  /** Peak learning rate. */
  readonly lr: number;
}

/** The training settings of a demo, the same for all methods. */
export interface Training {
  readonly steps: number;
  readonly batchSize: number;
  /** Number of evaluations on the validation rows, and of checkpoints; 0: one checkpoint, at the end. */
  readonly evaluations: number;
  readonly keepLast: number;
}

/** How a demo lets people watch and fits itself to the machine. */
export interface Pace {
  /** Number of the test's first exercises that are answered along the way. */
  readonly watched: number;
  /** After which fractions of the steps. */
  readonly at: readonly number[];
  /** Number of the test's exercises that the untrained model is tested on. */
  readonly testsBefore: number;
  /** Seconds that it should take; where that is not enough, it makes fewer steps and tests, but no fewer than `least`. */
  readonly seconds: number;
  readonly least: { readonly steps: number; readonly tests: number };
}

/** A demo of the quickstart: model, exercises, training and grading. */
export interface Demo {
  /** Short title. */
  readonly title: string;
  /** Text shown at the start. */
  readonly intro: string;
  /** Summary for the report. */
  readonly summary: string;
  /** How to read the comparison. */
  readonly remark: string;
  /** Plural names of the test's rows and of an answer's parts. */
  readonly names: { readonly item: string; readonly part: string };
  /** The model's folder or file. */
  readonly model: string;
  readonly rank: number;
  readonly methods: readonly MethodSettings[];
  readonly training: Training;
  readonly pace: Pace;
  /** Precision and device of the runs. */
  readonly compute: { readonly dtype: "auto" | "float32"; readonly device: "auto" | "cpu" };
  /** Number of threads; default all cores. */
  readonly threads?: number;
  /** The merged model: its file or folder in the quickstart's folder, and how it is stored. */
  readonly output: {
    readonly name: string;
    readonly format: "folder" | "gguf";
    readonly dtype: "float32" | "q8_0";
  };
  /** Commands that query the merged model. @param path gives the path of a name in the quickstart's folder, quoted for a shell */
  next(path: (name: string) => string, question: string): string[];
  /** Generates the exercises for a seed. */
  makeExercises(seed: number): ExerciseSplits;
  /**
   * Answers the exercises greedily and grades them all; returns at least the first `shown` texts.
   * @param exercises with which of their labels the model finds the most probable (`scoreLabels`)
   */
  answer(
    open: AnsweringModel,
    exercises: {
      items: readonly Exercise[];
      examples: readonly Example[];
      firstChoices: readonly (readonly boolean[])[];
    },
    options: { shown: number; signal: AbortSignal },
  ): Promise<Answers>;
}
