import { z } from "zod";
import { validateCharsmap } from "./charsmap.ts";
import { regexFault } from "./check-regex.ts";
import { tokenizerFormatError } from "./tokenizer-files.ts";

/**
 * Validates components, nested ones too, where the `tokenizers` library does not: it would end the process (a panic in native
 * code) instead of throwing.
 * @throws ScaloraError `format`
 */
export function checkComponents(where: string, part: unknown): void {
  if (Array.isArray(part)) for (const item of part) checkComponents(where, item);
  if (typeof part !== "object" || part === null || Array.isArray(part)) return;
  const type = "type" in part ? part.type : undefined;
  const check = typeof type === "string" ? checks.get(type) : undefined;
  const fault = check?.(part);
  if (fault !== undefined) throw tokenizerFormatError(where, `a sound ${type}`, fault);
  for (const key of ["normalizers", "pretokenizers", "processors", "decoders"] as const) {
    if (key in part) checkComponents(where, Reflect.get(part, key));
  }
}

type Check = (part: object) => string | undefined;

const piece = z.union([
  z.object({ SpecialToken: z.looseObject({ id: z.string() }) }),
  z.object({ Sequence: z.looseObject({ id: z.enum(["A", "B"]) }) }),
]);
const template = z.looseObject({
  single: z.array(piece),
  pair: z.array(piece),
  special_tokens: z.record(z.string(), z.looseObject({ ids: z.array(z.int()), tokens: z.array(z.string()) })),
});

const checks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ["Precompiled", checkPrecompiled],
  ["TemplateProcessing", checkTemplate],
  ["FixedLength", checkFixedLength],
  ["Strip", checkStrip],
  ["BPE", checkMerges],
  ["Split", checkPattern],
  ["Replace", checkPattern],
]);

function checkPrecompiled(part: object): string | undefined {
  const text: unknown = Reflect.get(part, "precompiled_charsmap");
  return typeof text === "string" ? validateCharsmap(Buffer.from(text, "base64")) : "no precompiled_charsmap";
}

function checkTemplate(part: object): string | undefined {
  const { data, error } = template.safeParse(part);
  if (data === undefined)
    return error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
  for (const item of [...data.single, ...data.pair]) {
    if (!("SpecialToken" in item)) continue;
    const { id } = item.SpecialToken;
    const token = Object.hasOwn(data.special_tokens, id) ? data.special_tokens[id] : undefined;
    if (token === undefined) return `${id} is not among its special_tokens`;
    if (token.ids.length !== token.tokens.length)
      return `${id} has ${token.ids.length} ids for ${token.tokens.length} tokens`;
  }
  const sequences = data.single.flatMap((item) => ("Sequence" in item ? item.Sequence.id : []));
  return sequences.join() === "A" ? undefined : "the template of a single text must hold it exactly once";
}

function checkFixedLength(part: object): string | undefined {
  const length: unknown = Reflect.get(part, "length");
  return Number.isInteger(length) && Number(length) > 0 ? undefined : `length ${length}`;
}

/** The decoder `Strip` (not the normaliser): stripping the end of a short token would reach before its start. */
function checkStrip(part: object): string | undefined {
  const stop: unknown = Reflect.get(part, "stop") ?? 0;
  return stop === 0 ? undefined : `stop ${stop}; only 0 is safe`;
}

function checkPattern(part: object): string | undefined {
  const { data } = regexPattern.safeParse(part);
  return data === undefined ? undefined : regexFault(data.pattern.Regex);
}

const regexPattern = z.looseObject({ pattern: z.object({ Regex: z.string() }) });

/** With a continuing subword prefix, the right part of every merge must start with it. */
function checkMerges(part: object): string | undefined {
  const prefix: unknown = Reflect.get(part, "continuing_subword_prefix");
  const merges: unknown = Reflect.get(part, "merges");
  if (typeof prefix !== "string" || prefix === "" || !Array.isArray(merges)) return undefined;
  for (const merge of merges) {
    const right: unknown =
      typeof merge === "string" ? merge.split(" ")[1] : Array.isArray(merge) ? merge[1] : undefined;
    if (typeof right !== "string" || !right.startsWith(prefix))
      return `merge ${JSON.stringify(merge)} lacks ${prefix}`;
  }
  return undefined;
}
