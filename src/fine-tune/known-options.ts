import type { ModelTarget } from "../assemble/model-target.ts";
import { formatFoundValue } from "../schema/format-value.ts";
import { ScaloraError } from "../util/errors.ts";
import { isRecord } from "../util/json.ts";
import { nearestName } from "../util/nearest-name.ts";
import type {
  ChatOptions,
  EvaluationOptions,
  FineTuneOptions,
  GenerateOptions,
  GgufFileOptions,
  ResumeOptions,
  SaveOptions,
} from "./options.ts";

/** The keys of some options. */
type Keys<Options> = Readonly<Record<keyof Options, true>>;

export const generateKeys: Keys<GenerateOptions> = {
  maxTokens: true,
  temperature: true,
  topK: true,
  topP: true,
  seed: true,
  stop: true,
  signal: true,
};

export const chatKeys: Keys<ChatOptions> = { ...generateKeys, system: true };

export const evaluationKeys: Keys<EvaluationOptions> = {
  format: true,
  maxLength: true,
  columns: true,
  predictions: true,
  signal: true,
};

export const saveKeys: Keys<SaveOptions> = { as: true, dtype: true, rank: true, energy: true, signal: true };

export const ggufFileKeys: Keys<GgufFileOptions> = { ...saveKeys, imatrix: true };

export const fineTuneKeys: Keys<FineTuneOptions & ResumeOptions> = {
  model: true,
  data: true,
  method: true,
  train: true,
  run: true,
  plugins: true,
  signal: true,
  resume: true,
};

export const resumeKeys: Keys<ResumeOptions> = { resume: true, signal: true };

export const targetKeys: Keys<Omit<ModelTarget, "path">> = {
  adapter: true,
  checkpoint: true,
  dtype: true,
  quantization: true,
  device: true,
};

/**
 * Programs without types, and those that cast, can misspell an option, which would have no effect.
 * @param options of which those that are undefined are absent
 * @param elsewhere where else a key may belong
 * @throws ScaloraError `usage` for a key that is none of the options'
 */
export function requireKnown(
  call: string,
  options: object,
  known: Keys<Record<string, unknown>>,
  elsewhere: (key: string) => string | undefined = () => undefined,
): void {
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined || Object.hasOwn(known, key)) continue;
    const near = elsewhere(key) ?? nearestName(key, Object.keys(known));
    throw new ScaloraError("usage", `${call} has no option ${key}`, {
      expected: Object.keys(known).join(", "),
      found: key,
      ...(near !== undefined && { fix: `did you mean ${near}?` }),
    });
  }
}

/** @throws ScaloraError `usage` for what is no signal, which programs without types can pass */
export function requireSignal(signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw new ScaloraError("usage", "This is no signal", {
    where: "signal",
    expected: "an AbortSignal",
    found: kindOf(signal),
    fix: "give the signal of a controller: new AbortController().signal",
  });
}

/** @throws ScaloraError `usage` for what is no text, nor, where messages may be given, a list */
export function requireInput(call: string, input: unknown, mayBeMessages: boolean): void {
  if (typeof input === "string") return;
  if (mayBeMessages && Array.isArray(input)) {
    for (const [index, message] of input.entries()) requireMessage(message, index);
    return;
  }
  throw new ScaloraError("usage", `${call} takes ${mayBeMessages ? "a text or messages" : "a text"}`, {
    expected: mayBeMessages ? "a text, or a list of { role, content }" : "a text",
    found: kindOf(input),
  });
}

function requireMessage(message: unknown, index: number): void {
  if (isRecord(message) && typeof message["role"] === "string" && typeof message["content"] === "string")
    return;
  throw new ScaloraError("usage", "This is no message", {
    where: `message ${index + 1}`,
    expected: "{ role, content }, both texts",
    found: formatFoundValue(message),
  });
}

/** @throws ScaloraError `usage` for a path that is no text, or an empty one, which would be the current folder */
export function requireText(call: string, path: unknown, what: string): void {
  if (typeof path === "string" && path !== "") return;
  throw new ScaloraError("usage", `${call} takes ${what}`, {
    expected: "a text that is not empty",
    found: path === "" ? '""' : kindOf(path),
  });
}

const kindOf = (value: unknown) => (value === null ? "null" : `a value of type ${typeof value}`);
