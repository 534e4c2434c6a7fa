import type { Tokenizer } from "../tokenizer/types.ts";
import { ScaloraError } from "../util/errors.ts";
import { hashFile } from "../util/files.ts";
import { ChatMarker } from "./chat-spans.ts";
import { ChatTemplate } from "./chat-template.ts";
import { checkFormat, encodeLabelled, type LabelledRow, readLabelledRow } from "./classification.ts";
import { type ColumnPlan, planColumns } from "./columns.ts";
import { TextEncoder } from "./encode.ts";
import { type GlueTask, glueTaskOf, readGlueRows } from "./glue/index.ts";
import { type Limit, RowCollector, readLimit } from "./limit.ts";
import type { JsonRow } from "./lines.ts";
import { readRow } from "./rows.ts";
import { readRows } from "./tables.ts";
import type {
  Classes,
  DataConfig,
  DataSource,
  DroppedRow,
  Example,
  FileReport,
  LoadReport,
  MarkedText,
} from "./types.ts";
import { readWindows } from "./windows.ts";

/** Characters that are tokenised at once: enough to keep all cores busy, little enough to forget. */
const chunkCharacters = 1 << 20;

export interface LoadedExamples {
  /** All examples, file after file. */
  examples: Example[];
  /** The same, by file. */
  perSource: Example[][];
  report: LoadReport;
}

/**
 * Reads the files of `config.train`: rows to text to tokens with their label masks.
 * @param maxLength the longest sequence that the model takes, in tokens
 * @param classes reads rows of a classification into what a classifier learns
 * @throws ScaloraError `data` with file and line for what cannot be used; for a file of which no row is left, with
 * the rows and reasons; `config` for limits that the model does not have.
 */
export async function loadExamples(
  config: DataConfig,
  tokenizer: Tokenizer,
  { maxLength, classes }: { maxLength: number; classes?: Classes },
): Promise<LoadedExamples> {
  const limit = readLimit(config, maxLength);
  const loader = new Loader(tokenizer, limit, classes);
  const perSource: Example[][] = [];
  for (const source of sourcesOf(config.train)) perSource.push(await loader.load({ ...config, ...source }));
  return { examples: perSource.flat(), perSource, report: loader.report() };
}

/** The files of a `train` or `eval` entry. */
export function sourcesOf(files: string | readonly DataSource[]): readonly DataSource[] {
  return typeof files === "string" ? [{ path: files }] : files;
}

/** Turns one row of a file into what is tokenised, or says why it is left out. */
type RowReader<T> = (row: JsonRow, plan: ColumnPlan) => T[] | DroppedRow;

class Loader {
  private readonly tokenizer: Tokenizer;
  private readonly limit: Limit;
  private readonly encoder: TextEncoder;
  private readonly classes: Classes | undefined;
  private readonly files: FileReport[] = [];
  private readonly collectors: RowCollector[] = [];
  private chatMarker: ChatMarker | undefined;

  constructor(tokenizer: Tokenizer, limit: Limit, classes: Classes | undefined) {
    this.classes = classes;
    this.tokenizer = tokenizer;
    this.limit = limit;
    this.encoder = new TextEncoder(tokenizer);
  }

  async load(source: DataSource): Promise<Example[]> {
    const collector = new RowCollector(this.limit);
    this.collectors.push(collector);
    checkFormat(source, this.classes);
    if (source.path.toLowerCase().endsWith(".txt")) await this.loadText(source.path, collector);
    else await this.loadRows(source, collector);
    collector.refuseFaults();
    if (collector.examples.length === 0) throw collector.nothingLeft(source.path);
    return collector.examples;
  }

  report(): LoadReport {
    const sum = (of: (collector: RowCollector) => number) =>
      this.collectors.reduce((total, collector) => total + of(collector), 0);
    const notes = this.chatMarker?.notes ?? [];
    if (this.classes === undefined && this.tokenizer.special.eos === undefined)
      notes.push("the tokenizer has no EOS token: texts and completions end without one");
    return {
      files: this.files,
      rows: sum(({ rows }) => rows),
      dropped: this.collectors.flatMap(({ dropped }) => dropped),
      truncated: sum(({ truncated }) => truncated),
      labelTokens: sum(({ labelTokens }) => labelTokens),
      tokens: sum(({ tokens }) => tokens),
      straddling: sum(({ straddling }) => straddling),
      splitChats: this.chatMarker?.splitChats ?? 0,
      notes,
    };
  }

  private async loadText(path: string, collector: RowCollector): Promise<void> {
    const windows = await readWindows(path, this.tokenizer, this.limit.length);
    for (const example of windows) collector.add({ example, straddles: false });
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
      const read: RowReader<MarkedText> = (row, plan) => readRow(row, plan, source, () => this.marker(path));
      for await (const texts of this.readChunks(source, collector, read, ({ text }) => text.length))
        for (const encoded of await this.encoder.encode(texts)) collector.add(encoded);
      return;
    }
    const read: RowReader<LabelledRow> = (row, plan) => readLabelledRow(row, plan, classes, path);
    const task = glueTaskOf(source.format);
    const size = ({ texts }: LabelledRow) => texts.join("").length;
    const labelled = { ...source, format: "classification" } as const;
    const chunks = task
      ? this.readTask(task, path, collector, size)
      : this.readChunks(labelled, collector, read, size);
    for await (const rows of chunks)
      for (const encoded of await encodeLabelled(rows, tokenizer, limit, classes))
        collector.addLabelled(encoded);
  }

  /** The rows of a file of GLUE, as `readChunks`. */
  private async *readTask(
    task: GlueTask,
    path: string,
    collector: RowCollector,
    sizeOf: (row: LabelledRow) => number,
  ): AsyncGenerator<LabelledRow[]> {
    const chunks = new Chunks(sizeOf);
    for await (const row of readGlueRows(task, path)) {
      collector.rows++;
      if ("reason" in row) collector.dropped.push(row);
      else if (chunks.add([row])) yield chunks.take();
    }
    yield chunks.take();
    if (collector.rows === 0) throw noRows(path, "a file of the task with its rows");
    this.note(path, collector, { format: task.name, ignored: [] });
  }

  /** What the rows of a file are read into, in chunks of about `chunkCharacters`. */
  private async *readChunks<T>(
    source: DataSource,
    collector: RowCollector,
    read: RowReader<T>,
    sizeOf: (item: T) => number,
  ): AsyncGenerator<T[]> {
    const { path } = source;
    let plan: ColumnPlan | undefined;
    const chunks = new Chunks(sizeOf);
    for await (const row of readRows(path)) {
      const ready = plan ?? planColumns(row.value, source, `${path}:${row.line}`);
      plan = ready;
      collector.rows++;
      const items = readOrNote(() => read(row, ready), `${path}:${row.line}`, collector);
      if (!Array.isArray(items)) collector.dropped.push(items);
      else if (chunks.add(items)) yield chunks.take();
    }
    yield chunks.take();
    if (plan === undefined)
      throw noRows(
        path,
        "one JSON object a line (JSONL), a JSON list of objects, Parquet, or CSV or TSV with a line of column names",
      );
    this.note(path, collector, plan);
  }

  private note(
    path: string,
    { rows }: RowCollector,
    { format, ignored }: Pick<ColumnPlan, "format" | "ignored">,
  ): void {
    this.files.push({ path, sha256: hashFile(path), format, rows, ignoredColumns: ignored });
  }

  private marker(path: string): ChatMarker {
    const { chatTemplate, special } = this.tokenizer;
    if (chatTemplate === undefined)
      throw new ScaloraError("data", "These rows need a chat template, and the tokenizer has none", {
        where: path,
        fix: "use a chat model, or put a chat_template.jinja into the model folder",
      });
    this.chatMarker ??= new ChatMarker(new ChatTemplate(chatTemplate, special));
    return this.chatMarker;
  }
}

/** What reading a row gives; a fault of the row itself is noted, to be told with others of its kind. */
function readOrNote<T>(read: () => T, source: string, collector: RowCollector): T | [] {
  try {
    return read();
  } catch (error) {
    const isOwn = error instanceof ScaloraError && error.code === "data" && error.found !== undefined;
    if (!isOwn || !error.where?.startsWith(source)) throw error;
    collector.fault(error);
    return [];
  }
}

/** Gathers items until there are about `chunkCharacters` of them. */
class Chunks<T> {
  private readonly sizeOf: (item: T) => number;
  private items: T[] = [];
  private characters = 0;

  constructor(sizeOf: (item: T) => number) {
    this.sizeOf = sizeOf;
  }

  /** Whether there are enough now. */
  add(items: readonly T[]): boolean {
    this.items.push(...items);
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
