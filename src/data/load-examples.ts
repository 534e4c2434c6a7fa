import { basename } from "node:path";
import { ChatTemplate } from "../chat-template/chat-template.ts";
import type { DataRow } from "../data-files/jsonl.ts";
import { readRows } from "../data-files/read-rows.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { reportActivity } from "../util/activity.ts";
import { ScaloraError } from "../util/errors.ts";
import { expandHome } from "../util/expand-home.ts";
import { hashFile } from "../util/files.ts";
import { formatCountOf } from "../util/format.ts";
import { requireAwaited } from "../util/require-awaited.ts";
import { ExampleEncoder } from "./example-encoder.ts";
import { type ColumnMapping, resolveColumns } from "./formats/column-mapping.ts";
import { ConversationRenderer } from "./formats/conversation-renderer.ts";
import { findGlueTask, type GlueTask, readGlueRows } from "./formats/glue/index.ts";
import { unreadGrades } from "./formats/judgement-columns.ts";
import { hasEqualAnswers } from "./formats/preference-rows.ts";
import { rowToTexts } from "./formats/row-to-texts.ts";
import type { DroppedRow, MarkedText } from "./formats/types.ts";
import { checkFormatFitsModel, encodeLabelled, type LabelledRow, readLabelledRow } from "./labelled-rows.ts";
import { type LengthLimit, RowCollector, readLengthLimit } from "./row-collector.ts";
import { readWindows } from "./text-windows.ts";
import type { ClassifierLabels, DataConfig, DataSource, Example, FileReport, LoadReport } from "./types.ts";

/** Rows from one report of what is being read to the next. */
const rowsBetweenReports = 100;

/** Characters that are tokenised at once: enough to keep all cores busy, at little memory. */
const chunkCharacters = 1 << 20;

export interface LoadedExamples {
  /** The examples of all files, in their order. */
  examples: Example[];
  /** The same examples by file. */
  examplesByFile: Example[][];
  report: LoadReport;
}

/** Options of `loadExamples`. */
export interface LoadExamplesOptions {
  /** The model's context length, in tokens. */
  readonly maxLength: number;
  /** Labels of a classifier, for classification data. */
  readonly classes?: ClassifierLabels;
  /** Ends the loading: it throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Reads the files of `config.train`: rows to texts to tokens with label masks.
 * @throws ScaloraError `data` with file and line for invalid rows, and for a file of which every row was dropped, with the
 * reasons; `config` for a length limit above the model's.
 */
export async function loadExamples(
  config: DataConfig,
  tokenizer: Tokenizer,
  { maxLength, classes, signal }: LoadExamplesOptions,
): Promise<LoadedExamples> {
  requireAwaited({ tokenizer });
  const limit = readLengthLimit(config, maxLength);
  const loader = new ExampleLoader(tokenizer, limit, classes, signal);
  const perSource: Example[][] = [];
  for (const source of dataSources(config.train)) perSource.push(await loader.load({ ...config, ...source }));
  return { examples: perSource.flat(), examplesByFile: perSource, report: loader.report() };
}

/** The files of a `train` or `eval` entry. */
export function dataSources(files: string | readonly DataSource[]): readonly DataSource[] {
  const sources = typeof files === "string" ? [{ path: files }] : files;
  return sources.map((source) => ({ ...source, path: expandHome(source.path) }));
}

/** Converts one row of a file to items to tokenise, or gives the reason for dropping it. */
type RowReader<T> = (row: DataRow, plan: ColumnMapping) => T[] | DroppedRow;

class ExampleLoader {
  private readonly tokenizer: Tokenizer;
  private readonly limit: LengthLimit;
  private readonly encoder: ExampleEncoder;
  private readonly classes: ClassifierLabels | undefined;
  private readonly signal: AbortSignal | undefined;
  private readonly files: FileReport[] = [];
  private readonly collectors: RowCollector[] = [];
  private chatMarker: ConversationRenderer | undefined;

  constructor(
    tokenizer: Tokenizer,
    limit: LengthLimit,
    classes: ClassifierLabels | undefined,
    signal: AbortSignal | undefined,
  ) {
    this.signal = signal;
    this.classes = classes;
    this.tokenizer = tokenizer;
    this.limit = limit;
    this.encoder = new ExampleEncoder(tokenizer);
  }

  async load(source: DataSource): Promise<Example[]> {
    const collector = new RowCollector(this.limit);
    this.collectors.push(collector);
    checkFormatFitsModel(source, this.classes);
    if (source.path.toLowerCase().endsWith(".txt")) await this.loadText(source.path, collector);
    else await this.loadRows(source, collector);
    collector.throwErrors();
    collector.refuseEqualAnswers(source.path);
    if (collector.examples.length === 0) throw collector.noTrainableRowsError(source.path);
    return collector.examples;
  }

  report(): LoadReport {
    const sum = (of: (collector: RowCollector) => number) =>
      this.collectors.reduce((total, collector) => total + of(collector), 0);
    const notes = [...(this.chatMarker?.notes ?? []), ...this.files.flatMap(gradeNotes)];
    if (this.classes === undefined && this.tokenizer.special.eos === undefined)
      notes.push("the tokenizer has no EOS token: texts and completions end without one");
    const straddling = sum(({ straddling: count }) => count);
    if (straddling > 0) notes.push(straddlingNote(straddling));
    const equal = sum(({ equalAnswers }) => equalAnswers);
    if (equal > 0)
      notes.push(`in ${formatCountOf(equal, "row")} the chosen and the rejected answer are equal`);
    return {
      files: this.files,
      rows: sum(({ rows }) => rows),
      dropped: this.collectors.flatMap(({ dropped }) => dropped),
      rejected: sum(({ rejected }) => rejected),
      truncated: sum(({ truncated }) => truncated),
      labelTokens: sum(({ labelTokens }) => labelTokens),
      tokens: sum(({ tokens }) => tokens),
      straddling,
      splitChats: this.chatMarker?.splitChats ?? 0,
      systemPrompt: this.chatMarker?.systemPrompts.common(),
      notes,
    };
  }

  private async loadText(path: string, collector: RowCollector): Promise<void> {
    const windows = await readWindows(path, this.tokenizer, this.limit.maxLength);
    for (const example of windows) collector.add({ example, straddlesPromptEnd: false });
    collector.rows = windows.length;
    this.files.push({
      path,
      sha256: hashFile(path),
      format: "text",
      rows: windows.length,
      ignoredColumns: [],
    });
  }

  private async loadRows(source: DataSource, collector: RowCollector): Promise<void> {
    const { classes, limit, tokenizer } = this;
    const { path } = source;
    if (classes === undefined) {
      const read: RowReader<MarkedText> = (row, plan) =>
        rowToTexts(row, plan, source, () => this.conversationRenderer(path));
      for await (const texts of this.readChunks(source, collector, read, ({ text }) => text.length))
        for (const encoded of await this.encoder.encode(texts)) collector.add(encoded);
      return;
    }
    const read: RowReader<LabelledRow> = (row, plan) => readLabelledRow(row, plan, classes, path);
    const task = findGlueTask(source.format);
    const size = ({ texts }: LabelledRow) => texts.join("").length;
    const labelled = { ...source, format: "classification" } as const;
    const chunks = task
      ? this.readGlueChunks(task, path, collector, size)
      : this.readChunks(labelled, collector, read, size);
    for await (const rows of chunks)
      for (const encoded of await encodeLabelled(rows, tokenizer, limit, classes))
        collector.addLabelled(encoded);
  }

  /** The rows of a GLUE file, as `readChunks`. */
  private async *readGlueChunks(
    task: GlueTask,
    path: string,
    collector: RowCollector,
    sizeOf: (row: LabelledRow) => number,
  ): AsyncGenerator<LabelledRow[]> {
    const chunks = new ChunkBuffer(sizeOf);
    for await (const row of readGlueRows(task, path, this.signal)) {
      collector.rows++;
      if ("reason" in row) collector.dropped.push(row);
      else if (chunks.add([row])) yield chunks.take();
    }
    yield chunks.take();
    if (collector.rows === 0) throw noRows(path, "a file of the task with its rows");
    this.addFileReport(path, collector, { format: task.name, ignored: [] });
  }

  /** Reads the rows of a file, in chunks of about `chunkCharacters`. */
  private async *readChunks<T>(
    source: DataSource,
    collector: RowCollector,
    read: RowReader<T>,
    sizeOf: (item: T) => number,
  ): AsyncGenerator<T[]> {
    const { path } = source;
    let plan: ColumnMapping | undefined;
    const chunks = new ChunkBuffer(sizeOf);
    for await (const row of readRows(path, this.signal)) {
      if (collector.rows % rowsBetweenReports === 0)
        reportActivity({ what: `reading rows of ${basename(path)}`, done: collector.rows });
      const ready = plan ?? resolveColumns(row.value, source, `${path}:${row.line}`);
      plan = ready;
      collector.rows++;
      if (ready.format === "preference" && hasEqualAnswers(row.value, ready.fileColumns))
        collector.equalAnswers++;
      const items = readOrCollectError(() => read(row, ready), `${path}:${row.line}`, collector);
      if (!Array.isArray(items)) {
        collector.drop(items);
        continue;
      }
      // Each row of this format holds a rejected answer beside the chosen one.
      if (ready.format === "preference") collector.rejected++;
      if (chunks.add(items)) {
        this.signal?.throwIfAborted();
        yield chunks.take();
      }
    }
    yield chunks.take();
    if (plan === undefined)
      throw noRows(
        path,
        "one JSON object a line (JSONL), a JSON list of objects, Parquet, or CSV or TSV with a line of column names",
      );
    this.addFileReport(path, collector, plan);
  }

  private addFileReport(
    path: string,
    { rows }: RowCollector,
    { format, ignored }: Pick<ColumnMapping, "format" | "ignored">,
  ): void {
    this.files.push({ path, sha256: hashFile(path), format, rows, ignoredColumns: ignored });
  }

  private conversationRenderer(path: string): ConversationRenderer {
    const { chatTemplate, chatTemplateFile, special } = this.tokenizer;
    if (chatTemplate === undefined)
      throw new ScaloraError("data", "These rows need a chat template, and the tokenizer has none", {
        where: path,
        fix: "use a chat model, or put a chat_template.jinja into the model folder",
      });
    this.chatMarker ??= new ConversationRenderer(new ChatTemplate(chatTemplate, special, chatTemplateFile));
    return this.chatMarker;
  }
}

/** A prompt alone is tokenised otherwise, so the model would not meet what it was trained on. */
const straddlingNote = (rows: number) =>
  `in ${formatCountOf(rows, "row")} one token holds the end of the prompt and the beginning of the answer: let the answers begin with a space, or set data.separator`;

function gradeNotes({ path, format, ignoredColumns }: FileReport): string[] {
  if (format === "classification") return [];
  return unreadGrades(ignoredColumns).map(
    (name) => `${path}: the column ${name} is not read, all rows are trained on alike`,
  );
}

/** Reads a row; a `data` error is collected, to be reported together with others of its kind. */
function readOrCollectError<T>(read: () => T, source: string, collector: RowCollector): T | [] {
  try {
    return read();
  } catch (error) {
    const isOwn = error instanceof ScaloraError && error.code === "data" && error.found !== undefined;
    if (!isOwn || !error.where?.startsWith(source)) throw error;
    collector.addError(error);
    return [];
  }
}

/** Collects items up to about `chunkCharacters` characters. */
class ChunkBuffer<T> {
  private readonly sizeOf: (item: T) => number;
  private items: T[] = [];
  private characters = 0;

  constructor(sizeOf: (item: T) => number) {
    this.sizeOf = sizeOf;
  }

  /** Adds items. @returns whether the chunk is full */
  add(items: readonly T[]): boolean {
    for (const item of items) this.items.push(item);
    this.characters += items.reduce((total, item) => total + this.sizeOf(item), 0);
    return this.characters >= chunkCharacters;
  }

  take(): T[] {
    const taken = this.items;
    [this.items, this.characters] = [[], 0];
    return taken;
  }
}

function noRows(path: string, expected: string): ScaloraError {
  return new ScaloraError("data", "A data file has no rows", { where: path, expected });
}
