import type { GlueName } from "./glue/glue-task.ts";

/**
 * Format of the rows. `auto` detects it by the columns of the first row; a `.txt` file is always running text. `commonsense`
 * and `gsm8k` are the files of these tasks, with the prompts of their evaluation; `preference` and `unpaired-preference` are
 * TRL's, of which the good answers are trained on; `classification` and the names of GLUE's
 * tasks are for encoders.
 */
export type DataFormat =
  | "auto"
  | "text"
  | "prompt-completion"
  | "alpaca"
  | "messages"
  | "commonsense"
  | "gsm8k"
  | "metamathqa"
  | "preference"
  | "unpaired-preference"
  | "classification"
  | GlueName;

/** Column name of the format to column name in the file, e.g. `{ prompt: "question", completion: "answer" }`. */
export type ColumnNames = Readonly<Record<string, string>>;

/** How rows become text; a file's own settings override those of the run. */
export interface FormatConfig {
  /** Default `auto`. */
  format?: DataFormat | undefined;
  columns?: ColumnNames | undefined;
  /**
   * `plain` (default): prompt and completion are concatenated; alpaca rows get Alpaca's own prompt.
   * `chat`: they become a user and an assistant message in the model's chat template.
   * `llm-adapters`, `metamath`: the prompt is put into that of the project's scripts (`prompt-templates.ts`).
   */
  render?: RenderStyle | undefined;
  /** Text between prompt and completion when `render` is `plain`; default none. */
  separator?: string | undefined;
}

/** How a prompt becomes text. */
export type RenderStyle = "plain" | "chat" | "llm-adapters" | "metamath";

/** A row that is not trained on. */
export interface DroppedRow {
  source: string;
  reason: string;
  /** It holds an answer that preference data reject: counted, not listed. */
  isRejected?: true;
}

/** Half-open range of UTF-16 code units. */
export type Span = readonly [start: number, end: number];

/** A text to tokenise, and the spans of its characters that are trained on. */
export interface MarkedText {
  text: string;
  spans: Span[];
  /** `document`: the tokenizer adds its BOS, we add EOS. `chat`: the template has written all special tokens. */
  kind: "document" | "chat";
  source: string;
}
