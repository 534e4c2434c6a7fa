// Reads the files of llama2.c (github.com/karpathy/llama2.c): the legacy "version 0" export of a model, and the
// tokenizer that goes with it. Gives what a Hugging Face folder holds; convert-llama2c.ts writes it.

/** Reads little-endian numbers from bytes and never past their end. */
class Reader {
  private readonly view: DataView<ArrayBufferLike>;
  private readonly what: string;
  private position = 0;

  constructor(bytes: Uint8Array, what: string) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.what = what;
  }

  /** Moves on by so many bytes. @returns where they begin */
  take(count: number): number {
    const start = this.position;
    if (count < 0 || start + count > this.view.byteLength) {
      throw new Error(`${this.what} is cut short: ${this.view.byteLength} bytes, ${start + count} needed`);
    }
    this.position += count;
    return start;
  }

  get remaining(): number {
    return this.view.byteLength - this.position;
  }

  int32(): number {
    return this.view.getInt32(this.take(4), true);
  }

  float32(): number {
    return this.view.getFloat32(this.take(4), true);
  }

  bytes(count: number): Uint8Array {
    const start = this.take(count);
    return new Uint8Array(this.view.buffer, this.view.byteOffset + start, count);
  }

  floats(count: number): Float32Array {
    const start = this.take(4 * count);
    return Float32Array.from({ length: count }, (_, i) => this.view.getFloat32(start + 4 * i, true));
  }
}

interface Llama2cTensor {
  readonly shape: readonly number[];
  data: Float32Array;
}

/** A model file as a Hugging Face config and named tensors. */
export function readLlama2c(bytes: Uint8Array) {
  const reader = new Reader(bytes, "the model");
  const next = () => reader.int32();
  const [hidden, intermediate, layers, heads, kvHeads] = [next(), next(), next(), next(), next()];
  const [signedVocab, positions] = [next(), next()];
  const vocab = Math.abs(signedVocab);
  const numbers = [hidden, intermediate, layers, heads, kvHeads, vocab, positions];
  if (
    numbers.some((value) => value < 1 || value > 1 << 20) ||
    hidden % heads !== 0 ||
    heads % kvHeads !== 0
  ) {
    throw new Error(`the model is not a legacy llama2.c export: its header reads ${numbers.join(", ")}`);
  }
  const headDim = hidden / heads;
  const shape = { vocab, hidden, intermediate, layers, positions, headDim, kvDim: kvHeads * headDim };
  const tensors = readTensors(reader, shape, signedVocab < 0);
  if (reader.remaining > 0) throw new Error(`the model has ${reader.remaining} bytes too many`);
  const config = {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    vocab_size: vocab,
    hidden_size: hidden,
    intermediate_size: intermediate,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    max_position_embeddings: positions,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    hidden_act: "silu",
    tie_word_embeddings: signedVocab > 0,
    bos_token_id: 1,
    eos_token_id: 2,
    torch_dtype: "float32",
  };
  return { config, tensors };
}

interface Shape {
  readonly vocab: number;
  readonly hidden: number;
  readonly intermediate: number;
  readonly layers: number;
  readonly positions: number;
  readonly headDim: number;
  readonly kvDim: number;
}

/** The tensors in their order in the file, with the rows of queries and keys as Hugging Face has them. */
function readTensors(reader: Reader, shape: Shape, hasOutput: boolean) {
  const { vocab, hidden, intermediate, layers, positions, headDim, kvDim } = shape;
  const tensors = new Map<string, Llama2cTensor>();
  const one = (name: string, extents: readonly number[]) =>
    tensors.set(name, { shape: extents, data: reader.floats(extents.reduce((a, b) => a * b, 1)) });
  const each = (name: string, extents: readonly number[]) => {
    for (let i = 0; i < layers; i++) one(`model.layers.${i}.${name}.weight`, extents);
  };
  one("model.embed_tokens.weight", [vocab, hidden]);
  each("input_layernorm", [hidden]);
  each("self_attn.q_proj", [hidden, hidden]);
  each("self_attn.k_proj", [kvDim, hidden]);
  each("self_attn.v_proj", [kvDim, hidden]);
  each("self_attn.o_proj", [hidden, hidden]);
  each("post_attention_layernorm", [hidden]);
  each("mlp.gate_proj", [intermediate, hidden]);
  each("mlp.down_proj", [hidden, intermediate]);
  each("mlp.up_proj", [intermediate, hidden]);
  one("model.norm.weight", [hidden]);
  reader.take(4 * positions * headDim); // stored cosines and sines
  if (hasOutput) one("lm_head.weight", [vocab, hidden]);
  for (const [name, tensor] of tensors) {
    if (/\.[qk]_proj\./.test(name)) tensor.data = splitHalves(tensor.data, headDim, hidden);
  }
  return tensors;
}

/** llama2.c rotates neighbouring rows of a head; Hugging Face rotates a row of the first half with one of the second. */
function splitHalves(data: Float32Array, headDim: number, width: number) {
  const result = new Float32Array(data.length);
  const rows = data.length / width;
  for (let row = 0; row < rows; row++) {
    const inHead = row % headDim;
    const from = row - inHead + 2 * (inHead % (headDim / 2)) + (inHead < headDim / 2 ? 0 : 1);
    result.set(data.subarray(from * width, (from + 1) * width), row * width);
  }
  return result;
}

/** What happens to a text before and after BPE. */
const textSteps = {
  normalizer: {
    type: "Sequence",
    normalizers: [
      { type: "Prepend", prepend: "▁" },
      { type: "Replace", pattern: { String: " " }, content: "▁" },
    ],
  },
  pre_tokenizer: null,
  post_processor: {
    type: "TemplateProcessing",
    single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
    pair: [
      { SpecialToken: { id: "<s>", type_id: 0 } },
      { Sequence: { id: "A", type_id: 0 } },
      { SpecialToken: { id: "<s>", type_id: 1 } },
      { Sequence: { id: "B", type_id: 1 } },
    ],
    special_tokens: { "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] } },
  },
  decoder: {
    type: "Sequence",
    decoders: [
      { type: "Replace", pattern: { String: "▁" }, content: " " },
      { type: "ByteFallback" },
      { type: "Fuse" },
      { type: "Strip", content: " ", start: 1, stop: 0 },
    ],
  },
};

interface Piece {
  readonly id: number;
  readonly score: number;
  readonly text: string;
}

const specialPieces = ["<unk>", "<s>", "</s>"];

/** A tokenizer file as `tokenizer.json`: BPE whose merges follow from the pieces' scores, with byte fallback. */
export function readLlama2cTokenizer(bytes: Uint8Array, vocabSize: number) {
  const reader = new Reader(bytes, "the tokenizer");
  reader.int32(); // length of the longest piece
  const pieces = Array.from({ length: vocabSize }, (_, id): Piece => {
    const score = reader.float32();
    const text = new TextDecoder("utf-8", { fatal: true }).decode(reader.bytes(reader.int32()));
    return { id, score, text: specialPieces[id] ?? text.replaceAll(" ", "▁") };
  });
  const special = pieces.slice(0, 3).map(({ id, text }) => ({
    id,
    content: text,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: special,
    ...textSteps,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: "<unk>",
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      vocab: Object.fromEntries(pieces.map(({ text, id }) => [text, id])),
      merges: mergesOf(pieces),
    },
  };
}

/**
 * SentencePiece joins the neighbours whose joined piece has the best score; so do merges in the order of the scores,
 * where every way to cut a piece into two pieces is a merge.
 */
function mergesOf(pieces: readonly Piece[]) {
  const ids = new Map(pieces.map(({ text, id }) => [text, id]));
  const joined = pieces.slice(3).filter(({ text }) => !/^<0x[0-9A-F]{2}>$/.test(text));
  const merges: string[][] = [];
  for (const { text } of joined.sort((a, b) => b.score - a.score || a.id - b.id)) {
    const characters = [...text];
    for (let cut = 1; cut < characters.length; cut++) {
      const pair = [characters.slice(0, cut).join(""), characters.slice(cut).join("")];
      if (pair.every((part) => ids.has(part))) merges.push(pair);
    }
  }
  return merges;
}
