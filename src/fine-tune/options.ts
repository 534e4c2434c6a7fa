import type { AdapterOptions, OptionsOf } from "../adapters/index.ts";
import type { DataInput, DataSourceInput, ModelInput, RunInput, TrainInput } from "../config/index.ts";
import type { ExportRequest } from "../export/export-request.ts";
import type { ExportDTypeName } from "../export/gguf-file-types.ts";
import type { EvaluationRequest } from "../inference/evaluation-request.ts";
import type { ChatMessage, SamplingSettings } from "../inference/text-generator.ts";

/** A conversation; the assistant's turns are learnt. */
export interface ChatRow {
  readonly messages: readonly ChatMessage[];
}

/** A prompt and its answer, which is learnt. */
export interface PromptRow {
  readonly prompt: string;
  readonly completion: string;
}

/** An instruction, with or without an input, and its output, which is learnt. */
export interface InstructionRow {
  readonly instruction: string;
  readonly input?: string;
  readonly output: string;
}

/** A text that is learnt, or with an encoder classified. */
export interface TextRow {
  readonly text: string;
  readonly label?: string | number;
}

/** A row of data, of one of the formats that files may have: the columns say which, as with `scalora init`. */
export type Row = ChatRow | PromptRow | InstructionRow | TextRow | { readonly [column: string]: unknown };

/** What to train on: the section `data` of a recipe, in which rows may stand for files. */
export type FineTuneData = Omit<DataInput, "train" | "eval"> & {
  readonly train: string | readonly Row[] | readonly (string | DataSourceInput)[];
  /** What the loss is measured on; default: a twentieth of the rows, which are then not trained on. */
  readonly eval?: DataInput["eval"] | readonly Row[];
};

/** The name of a method of this package, or of one of your own. */
export type MethodName = AdapterOptions["method"] | (string & {});

/** What `fineTune` is told. */
export interface FineTuneOptions<Name extends MethodName = MethodName> {
  /** The name of a fetched model, a Hugging Face folder, or a GGUF file; or the section `model` of a recipe. */
  readonly model: string | ModelInput;
  /** A file, several, rows, or both kinds of rows with how they are read. */
  readonly data: string | readonly string[] | readonly Row[] | FineTuneData;
  /** How to train: the name of a method, or the section `adapter` of a recipe; default: LoRA of rank 8. */
  readonly method?: Name | ({ readonly method: Name } & OptionsOf<Name>);
  /** How long and how fast, as in a recipe; default: one epoch, batches of 8 rows, the method's learning rate. */
  readonly train?: TrainInput;
  /** Where the run goes, as in a recipe; default: a new folder under `runs`. */
  readonly run?: RunInput;
  /** Modules that export methods of your own, as in a recipe. */
  readonly plugins?: readonly string[];
  /** Stops the run: it saves a checkpoint, and can be resumed. */
  readonly signal?: AbortSignal;
}

/** How a run is resumed. */
export interface ResumeOptions {
  /** The folder of a run that was stopped or interrupted. */
  readonly resume: string;
  /** Stops the run: it saves a checkpoint, and can be resumed. */
  readonly signal?: AbortSignal;
}

/** How a text is generated. */
export type GenerateOptions = Partial<SamplingSettings> & {
  /** Ends the text before the next token. */
  readonly signal?: AbortSignal;
};

/** How messages are answered. */
export type ChatOptions = GenerateOptions & {
  /** The system message, where the messages begin with none; default: for a run, that of most of its training. "" for none. */
  readonly system?: string;
};

/** What a model is evaluated on. */
export type EvaluationOptions = Pick<
  EvaluationRequest,
  "format" | "maxLength" | "columns" | "predictions"
> & {
  /** Ends the evaluation, which throws the signal's reason. */
  readonly signal?: AbortSignal;
};

/** What is written of a model. */
export type SaveOptions = Pick<ExportRequest, "rank" | "energy"> & {
  /** Of the weights, as `--dtype` of `scalora export`; default: that of the base model. */
  readonly dtype?: ExportDTypeName;
  /**
   * `merged` (default): a complete model; `adapter`: what was trained, of methods that leave the base as it is; `svd`: the change of
   * each layer as an adapter of `rank`, or of the rank that keeps the fraction `energy` of it.
   */
  readonly as?: ExportRequest["kind"];
  /** Ends it before it begins to write, so that nothing is written and the signal's reason thrown. */
  readonly signal?: AbortSignal;
};

/** What is written of a model as a GGUF file. */
export type GgufFileOptions = SaveOptions & {
  /**
   * By which the rounding errors of a quantised file are weighed: a file in llama.cpp's GGUF format, or true for an importance matrix
   * that is computed on the run's training rows and written beside the file.
   */
  readonly imatrix?: string | boolean;
};
