import { z } from "zod";
import { ScaloraError } from "../util/errors.ts";

/** A component of a tokenizer; its fields depend on its type. */
const component = z.looseObject({ type: z.string() });
export type ComponentJson = z.output<typeof component>;

const addedToken = z.object({ id: z.int(), content: z.string(), special: z.boolean() });

const schema = z.object({
  added_tokens: z.array(addedToken),
  normalizer: component.nullable(),
  pre_tokenizer: component.nullable(),
  post_processor: component.nullable(),
  model: z.looseObject({
    vocab: z.record(z.string(), z.int()),
    merges: z.array(z.union([z.tuple([z.string(), z.string()]), z.string()])),
    ignore_merges: z.boolean().optional(),
  }),
});

/** The parts of a tokenizer.json that GGUF has fields for. */
export interface ParsedTokenizer {
  /** Model folder or file, for messages. */
  readonly where: string;
  readonly vocabulary: readonly (readonly [string, number])[];
  /** By token id. */
  readonly addedTokens: ReadonlyMap<number, z.output<typeof addedToken>>;
  readonly merges: readonly (readonly [string, string])[];
  readonly ignoresMerges: boolean;
  /** Steps of the normaliser and of the pre-tokeniser, nested sequences flattened. */
  readonly normalizers: readonly ComponentJson[];
  readonly preTokenizers: readonly ComponentJson[];
  /** Whether the model is byte-level (GPT-2's alphabet) rather than of characters. */
  readonly isByteLevel: boolean;
  /** Post-processor template: tokens before and after a text. */
  readonly template: { readonly before: readonly string[]; readonly after: readonly string[] };
}

/**
 * Parses a tokenizer.json.
 * @param where for messages
 * @throws ScaloraError `usage` for models other than BPE
 */
export function parseTokenizerJson(where: string, json: string): ParsedTokenizer {
  const checked = schema.safeParse(JSON.parse(json));
  if (!checked.success) throw unsupportedTokenizerError(where, "another model than BPE with merges");
  const { added_tokens: added, normalizer, pre_tokenizer, post_processor, model } = checked.data;
  const preTokenizers = flattenSequence(pre_tokenizer);
  return {
    where,
    vocabulary: Object.entries(model.vocab),
    addedTokens: new Map(added.map((token) => [token.id, token])),
    merges: model.merges.map((merge) => (typeof merge === "string" ? splitMerge(merge) : merge)),
    ignoresMerges: model.ignore_merges ?? false,
    normalizers: flattenSequence(normalizer),
    preTokenizers,
    isByteLevel: preTokenizers.some(({ type }) => type === "ByteLevel"),
    template: readTemplate(where, flattenSequence(post_processor)),
  };
}

/** A merge that older files write as one string. */
function splitMerge(merge: string): [string, string] {
  const gap = merge.indexOf(" ", 1);
  return [merge.slice(0, gap), merge.slice(gap + 1)];
}

/** The steps of a component, nested sequences flattened. */
export function flattenSequence(part: ComponentJson | null): ComponentJson[] {
  if (part === null) return [];
  const inner = part["normalizers"] ?? part["pretokenizers"] ?? part["processors"];
  return inner === undefined ? [part] : z.array(component).parse(inner).flatMap(flattenSequence);
}

const template = z.array(
  z.union([
    z.object({ SpecialToken: z.object({ id: z.string() }) }).transform((item) => item.SpecialToken.id),
    z.object({ Sequence: z.unknown() }).transform(() => undefined),
  ]),
);

function readTemplate(where: string, processors: readonly ComponentJson[]): ParsedTokenizer["template"] {
  const framing = processors.filter(({ type }) => type !== "ByteLevel");
  const [frame, ...others] = framing;
  if (frame === undefined) return { before: [], after: [] };
  if (others.length > 0 || frame.type !== "TemplateProcessing")
    throw unsupportedTokenizerError(where, `a post-processor ${frame.type}`);
  const items = template.parse(frame["single"]);
  const text = items.indexOf(undefined);
  const tokens = (from: readonly (string | undefined)[]) => from.filter((item) => item !== undefined);
  return { before: tokens(items.slice(0, text)), after: tokens(items.slice(text + 1)) };
}

/** The error of a tokenizer that GGUF cannot represent. */
export function unsupportedTokenizerError(where: string, found: string): ScaloraError {
  return new ScaloraError("usage", "GGUF cannot represent this tokenizer", {
    where,
    found,
    fix: "export it as a folder",
  });
}
