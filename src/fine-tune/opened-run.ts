import { resolve } from "node:path";
import type { ModelTarget } from "../assemble/model-target.ts";
import type { ExportRequest, ExportResult } from "../export/export-request.ts";
import { requireExportDType } from "../export/gguf-file-types.ts";
import type { EvaluationResult } from "../inference/evaluation-request.ts";
import type { ChatMessage, GenerationSummary } from "../inference/text-generator.ts";
import { ScaloraError } from "../util/errors.ts";
import { expandHome } from "../util/expand-home.ts";
import { outputPath } from "../util/output-path.ts";
import {
  chatKeys,
  evaluationKeys,
  generateKeys,
  ggufFileKeys,
  requireInput,
  requireKnown,
  requireSignal,
  saveKeys,
} from "./known-options.ts";
import type {
  ChatOptions,
  EvaluationOptions,
  GenerateOptions,
  GgufFileOptions,
  Row,
  SaveOptions,
} from "./options.ts";
import { sendRows } from "./send-rows.ts";
import { type StreamedText, streamText } from "./streamed-text.ts";
import { WorkThread } from "./work-thread.ts";

/** A trained model, or any other, that works in a thread of its own. It is loaded at its first use. */
export class OpenedRun implements AsyncDisposable {
  protected readonly thread: WorkThread;
  private readonly target: ModelTarget;

  /** @internal */
  constructor(target: ModelTarget) {
    this.target = target;
    this.thread = new WorkThread(target.path);
  }

  /**
   * Answers messages, or one message of a user, in the model's chat template. Nothing is remembered: to go on with a conversation,
   * give all of its messages. A run that trains answers once it is trained.
   * @throws ScaloraError `usage` for a model without a chat template, and for settings out of range
   */
  chat(input: string | readonly ChatMessage[], options: ChatOptions = {}): StreamedText {
    requireKnown("chat", options, chatKeys);
    requireInput("chat", input, true);
    const { system, ...settings } = options;
    if (input.length === 0) throw new ScaloraError("usage", "There are no messages to answer");
    const messages = typeof input === "string" ? [{ role: "user", content: input }] : input;
    return this.write([...messages], settings, system);
  }

  /** Goes on with a text as it is, without a chat template. */
  generate(prompt: string, options: GenerateOptions = {}): StreamedText {
    requireKnown("generate", options, generateKeys);
    requireInput("generate", prompt, false);
    return this.write(prompt, options);
  }

  /**
   * Measures the loss on files or rows; without any, on those that the run has held out.
   * @throws ScaloraError `data` for rows that cannot be read, `usage` where there are none
   */
  async evaluate(
    data?: string | readonly string[] | readonly Row[],
    options: EvaluationOptions = {},
  ): Promise<EvaluationResult> {
    requireKnown("evaluate", options, evaluationKeys);
    const { signal, ...how } = options;
    requireSignal(signal);
    if (data?.length === 0) throw new ScaloraError("usage", "There are no rows to evaluate on");
    await this.ready();
    signal?.throwIfAborted();
    const { files, rows } = filesOrRows(data ?? []);
    const sent = rows.length === 0 ? {} : { rows: await sendRows(this.thread, rows, "rows") };
    const request = { ...how, target: this.target, data: files.map((file) => resolve(expandHome(file))) };
    return (await this.thread.do({ type: "evaluate", request, ...sent }, "evaluated", { signal })).result;
  }

  /**
   * Writes the model as a folder for transformers and PEFT, which every `model` here takes too.
   * @param out a folder that does not exist yet
   * @throws ScaloraError `usage` where it exists, or the method has nothing of that kind to write
   */
  async save(out: string, options: SaveOptions = {}): Promise<ExportResult> {
    requireKnown("save", options, saveKeys);
    return await this.writeModel("folder", out, options);
  }

  /**
   * Writes the model as a GGUF file, for llama.cpp, Ollama, LM Studio and node-llama-cpp.
   * @param out a file that does not exist yet
   * @throws ScaloraError as `save`
   */
  async export(out: string, options: GgufFileOptions = {}): Promise<ExportResult> {
    requireKnown("export", options, ggufFileKeys);
    return await this.writeModel("gguf", out, options);
  }

  /** Ends the thread and frees the model; the files stay. A run that trains is stopped first, and saves a checkpoint. */
  async close(): Promise<void> {
    await this.thread.close();
  }

  /** Does what `close` does, at the end of a block with `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Waits until there is a model. */
  protected async ready(): Promise<void> {}

  private write(
    input: string | readonly ChatMessage[],
    { signal, ...settings }: GenerateOptions,
    system?: string,
  ): StreamedText {
    requireSignal(signal);
    const job = { type: "generate", target: this.target, input, settings, system } as const;
    return streamText(async (onPiece, leaving): Promise<GenerationSummary> => {
      await this.ready();
      const { summary } = await this.thread.do(job, "generated", {
        signal: signal ? AbortSignal.any([signal, leaving]) : leaving,
        onPart: (answer) => {
          if (answer.type === "text") onPiece(answer.piece);
        },
      });
      return summary;
    });
  }

  private async writeModel(
    format: NonNullable<ExportRequest["format"]>,
    out: string,
    { as: kind = "merged", signal, dtype: name, imatrix: given, ...how }: GgufFileOptions,
  ): Promise<ExportResult> {
    requireSignal(signal);
    const dtype = name && requireExportDType(name);
    const imatrix = typeof given === "string" ? resolve(expandHome(given)) : given || undefined;
    const request = {
      dtype,
      imatrix,
      ...how,
      kind,
      format,
      target: this.target,
      out: outputPath(out),
    };
    await this.ready();
    return (await this.thread.do({ type: "export", request }, "exported", { signal })).result;
  }
}

/** Files by their paths, or rows. */
function filesOrRows(data: string | readonly (string | Row)[]): {
  readonly files: readonly string[];
  readonly rows: readonly Row[];
} {
  if (typeof data === "string") return { files: [data], rows: [] };
  const files = data.filter((each) => typeof each === "string");
  return { files, rows: data.filter((each) => typeof each !== "string") };
}
