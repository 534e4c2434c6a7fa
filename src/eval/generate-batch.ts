import { setImmediate } from "node:timers/promises";
import { type CausalLM, deviceOf } from "../nn/index.ts";
import { Generator } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { BeamSearch } from "./beam-search.ts";
import { checkGenerationOptions, positiveIntegerCheck } from "./check-generation-options.ts";
import { type DecodingState, decodeStep, SampledSequence } from "./decode-step.ts";
import { checkPrompt } from "./generate-tokens.ts";
import type { Decode } from "./incremental-detokenizer.ts";
import type { Sampling } from "./sampling.ts";
import { TextStreamer } from "./text-streamer.ts";

/** One output to generate. */
export interface GenerationRequest {
  /** Name of the request in errors, such as its file and line. */
  readonly name: string;
  readonly prompt: readonly number[];
  /** Seed of this output alone, which does not depend on the other requests. */
  readonly seed: number;
}

/** Options of `generateBatch`. */
export interface GenerateBatchOptions {
  /** Maximum tokens of an output. */
  readonly maxTokens: number;
  readonly sampling: Sampling;
  /** Above 1: beam search with this many beams; the sampling must be greedy then. */
  readonly beams?: number;
  readonly endTokens: ReadonlySet<number>;
  /** Stop strings: an output ends before the first of them. */
  readonly stop: readonly string[];
  readonly decode: Decode;
  /** Maximum outputs that are generated at once. */
  readonly batch: number;
  readonly signal: AbortSignal;
}

/** A finished output. */
export interface Generated {
  /** Index of the request, from 0. */
  readonly index: number;
  readonly text: string;
  readonly tokens: readonly number[];
  readonly reason: "end" | "length" | "stop";
}

/** Prompts are added to a pass up to this many tokens (at least one prompt is). */
const passTokens = 2048;

/**
 * Generates many outputs at once (continuous batching): a pass computes the next token of every unfinished output and the
 * prompts of new requests, which take the places of finished ones. Outputs are yielded as they finish, and depend on their own
 * request alone (in fp32 up to the rounding of products of other shapes).
 * @throws ScaloraError `usage` for invalid options, and for a prompt that is empty or too long, `run` when logits are not
 * finite; the last two name the request; the signal's reason when it is aborted
 */
export async function* generateBatch(
  model: CausalLM,
  requests: readonly GenerationRequest[],
  options: GenerateBatchOptions,
): AsyncGenerator<Generated> {
  checkOptions(options);
  let live: ActiveOutput[] = [];
  let next = 0;
  try {
    for (;;) {
      let room = passTokens;
      while (live.length < options.batch && next < requests.length) {
        const request = elementAt(requests, next);
        const { prompt, name } = request;
        checkPrompt(prompt, model, name);
        if (room < prompt.length && room < passTokens) break;
        room -= prompt.length;
        live.push(startOutput(model, next, request, options));
        next++;
      }
      if (live.length === 0) return;
      await setImmediate();
      options.signal.throwIfAborted();
      decodeStep(
        model,
        live.map(({ track }) => track),
      );
      const finished: Generated[] = [];
      for (const output of live) {
        const result = await output.takeResult();
        if (result === undefined) continue;
        output.dispose();
        finished.push(result);
      }
      const gone = new Set(finished.map(({ index }) => index));
      live = live.filter(({ index }) => !gone.has(index));
      yield* finished;
    }
  } finally {
    for (const output of live) output.dispose();
  }
}

function checkOptions({ sampling, maxTokens, stop, batch, beams = 1 }: GenerateBatchOptions): void {
  const greedy = beams === 1 || sampling.temperature === 0;
  checkGenerationOptions({ ...sampling, maxTokens, stop }, [
    positiveIntegerCheck("batch", batch),
    positiveIntegerCheck("beams", beams),
    [greedy, "sampling.temperature", "0, since beam search does not sample", sampling.temperature],
  ]);
}

/** An unfinished output. */
interface ActiveOutput extends Disposable {
  readonly index: number;
  readonly track: DecodingState;
  /** Processes the tokens of the last step. @returns the output when it is finished */
  takeResult(): Promise<Generated | undefined>;
  dispose(): void;
}

function startOutput(
  model: CausalLM,
  index: number,
  request: GenerationRequest,
  options: GenerateBatchOptions,
): ActiveOutput {
  const limit = Math.min(options.maxTokens, model.info.maxPositions - request.prompt.length + 1);
  const own = { ...options, maxTokens: limit };
  const { beams = 1 } = options;
  return beams > 1
    ? new BeamSearchOutput(model, index, request, own, beams)
    : new SampledOutput(model, index, request, own);
}

class SampledOutput implements ActiveOutput {
  readonly index: number;
  readonly track: SampledSequence;
  private readonly options: GenerateBatchOptions;
  private readonly prompt: readonly number[];
  private readonly cache: ReturnType<CausalLM["newCache"]>;
  private readonly generator: Generator;
  private readonly tokens: number[] = [];
  private writer: TextStreamer | undefined;
  private text = "";

  constructor(
    model: CausalLM,
    index: number,
    { name, prompt, seed }: GenerationRequest,
    options: GenerateBatchOptions,
  ) {
    this.index = index;
    this.options = options;
    this.prompt = prompt;
    this.cache = model.newCache();
    this.generator = new Generator(seed, deviceOf(model));
    const { sampling } = options;
    this.track = new SampledSequence(name, this.cache, prompt, { sampling, generator: this.generator });
  }

  async takeResult(): Promise<Generated | undefined> {
    const { decode, stop, endTokens, maxTokens } = this.options;
    this.writer ??= await TextStreamer.create(this.prompt, decode, stop);
    const { lastToken } = this.track;
    if (endTokens.has(lastToken)) return this.finish(this.writer, "end");
    this.tokens.push(lastToken);
    this.text += await this.writer.push(lastToken);
    if (this.writer.stopped) return this.finish(this.writer, "stop");
    return this.tokens.length >= maxTokens ? this.finish(this.writer, "length") : undefined;
  }

  dispose(): void {
    this.cache.dispose();
    this.generator.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  private async finish(writer: TextStreamer, reason: "end" | "length" | "stop"): Promise<Generated> {
    const text = this.text + (await writer.flush());
    const { index, tokens } = this;
    return { index, text, tokens, reason: writer.stopped ? "stop" : reason };
  }
}

class BeamSearchOutput implements ActiveOutput {
  readonly index: number;
  readonly track: BeamSearch;
  private readonly options: GenerateBatchOptions;
  private readonly prompt: readonly number[];

  constructor(
    model: CausalLM,
    index: number,
    { name, prompt }: GenerationRequest,
    options: GenerateBatchOptions,
    beams: number,
  ) {
    this.index = index;
    this.options = options;
    this.prompt = prompt;
    this.track = new BeamSearch(name, model.newCache(), prompt, { ...options, beams });
  }

  async takeResult(): Promise<Generated | undefined> {
    if (!this.track.isDone) return undefined;
    const { best: tokens } = this.track;
    const { decode, stop, maxTokens } = this.options;
    const writer = await TextStreamer.create(this.prompt, decode, stop);
    let text = "";
    for (const token of tokens) if (!writer.stopped) text += await writer.push(token);
    text += await writer.flush();
    const reason = writer.stopped ? "stop" : tokens.length < maxTokens ? "end" : "length";
    return { index: this.index, text, tokens, reason };
  }

  dispose(): void {
    this.track.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
