import type { Tokenizer } from "../hub/tokenizer/types.js";
import { ScaloraError } from "../util/errors.js";
import { hashFile } from "../util/files.js";
import { ChatMarker } from "./chat-spans.js";
import { ChatTemplate } from "./chat-template.js";
import { planColumns } from "./columns.js";
import { TextEncoder } from "./encode.js";
import { type Limit, RowCollector, readLimit } from "./limit.js";
import { readRow } from "./rows.js";
import { readRows } from "./tables.js";
import type { DataConfig, DataSource, Example, FileReport, LoadReport, MarkedText } from "./types.js";
import { readWindows } from "./windows.js";

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
 * @throws ScaloraError `data` with file and line for what cannot be used; for a file of which no row is left, with
 * the rows and reasons; `config` for limits that the model does not have.
 */
export async function loadExamples(
  config: DataConfig,
  tokenizer: Tokenizer,
  { maxLength }: { maxLength: number },
): Promise<LoadedExamples> {
  const limit = readLimit(config, maxLength);
  const loader = new Loader(tokenizer, limit);
  const perSource: Example[][] = [];
  for (const source of sourcesOf(config.train)) perSource.push(await loader.load({ ...config, ...source }));
  return { examples: perSource.flat(), perSource, report: loader.report() };
}

/** The files of a `train` or `eval` entry. */
export function sourcesOf(files: string | readonly DataSource[]): readonly DataSource[] {
  return typeof files === "string" ? [{ path: files }] : files;
}

class Loader {
  private readonly tokenizer: Tokenizer;
  private readonly limit: Limit;
  private readonly encoder: TextEncoder;
  private readonly files: FileReport[] = [];
  private readonly collectors: RowCollector[] = [];
  private chatMarker: ChatMarker | undefined;

  constructor(tokenizer: Tokenizer, limit: Limit) {
    this.tokenizer = tokenizer;
    this.limit = limit;
    this.encoder = new TextEncoder(tokenizer);
  }

  async load(source: DataSource): Promise<Example[]> {
    const collector = new RowCollector(this.limit);
    this.collectors.push(collector);
    if (source.path.toLowerCase().endsWith(".txt")) await this.loadText(source.path, collector);
    else await this.loadRows(source, collector);
    if (collector.examples.length === 0) throw collector.nothingLeft(source.path);
    return collector.examples;
  }

  report(): LoadReport {
    const sum = (of: (collector: RowCollector) => number) =>
      this.collectors.reduce((total, collector) => total + of(collector), 0);
    const notes = this.chatMarker?.notes ?? [];
    if (this.tokenizer.special.eos === undefined)
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
    for await (const texts of this.readTexts(source, collector)) {
      for (const encoded of await this.encoder.encode(texts)) collector.add(encoded);
    }
  }

  /** The texts of a file in chunks of about `chunkCharacters`. */
  private async *readTexts(source: DataSource, collector: RowCollector): AsyncGenerator<MarkedText[]> {
    const { path } = source;
    let plan: ReturnType<typeof planColumns> | undefined;
    let chunk: MarkedText[] = [];
    let characters = 0;
    for await (const row of readRows(path)) {
      plan ??= planColumns(row.value, source, `${path}:${row.line}`);
      collector.rows++;
      const texts = readRow(row, plan, source, () => this.marker(path));
      if (!Array.isArray(texts)) {
        collector.dropped.push(texts);
        continue;
      }
      chunk.push(...texts);
      characters += texts.reduce((total, { text }) => total + text.length, 0);
      if (characters < chunkCharacters) continue;
      yield chunk;
      [chunk, characters] = [[], 0];
    }
    if (chunk.length > 0) yield chunk;
    if (plan === undefined)
      throw new ScaloraError("data", "A data file has no rows", {
        where: path,
        expected:
          "one JSON object a line (JSONL), a JSON list of objects, Parquet, or CSV or TSV with a line of column names",
      });
    const { format, ignored: ignoredColumns } = plan;
    this.files.push({ path, sha256: hashFile(path), format, rows: collector.rows, ignoredColumns });
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
