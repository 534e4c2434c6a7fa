import { z } from "zod";

/**
 * Small builders for the fields of a recipe. Each description is written once, here or in a section, and serves
 * the error messages, `--help` and the documentation.
 */

/** Metadata of a field besides its description; read back from the JSON schema. */
export interface FieldMeta {
  description: string;
  /** Completes "expected …" where the schema's own words would be poor. */
  expects?: string;
  /** What happens when the key is left out, where that is no constant. */
  unset?: string;
  /** Why any other value is refused. */
  refusal?: string;
}

export const integerAtLeast = (least: number) => z.int().min(least);
export const positive = () => z.number().positive();
export const nonNegative = () => z.number().nonnegative();

/** A share of one: 0 up to, but without, 1. */
export const fraction = () => z.number().min(0).lt(1);

export const pathString = (expects: string) => z.string().min(1).meta({ expects });

/** A seed that both generators (ours and torch's) can take. */
export const seed = () =>
  z
    .int()
    .min(0)
    .max(2 ** 53 - 1);

/** Whether `text` is a valid module pattern: a name, or a regular expression between slashes. */
function isPattern(text: string): boolean {
  if (!text.startsWith("/")) return text.length > 0;
  if (text.length < 3 || !text.endsWith("/")) return false;
  try {
    new RegExp(text.slice(1, -1), "u");
    return true;
  } catch {
    return false;
  }
}

const patternExpectation =
  "a module name (q_proj) or a regular expression between slashes (/layers\\.[0-3]\\..*proj/)";

/** A module name such as `q_proj`, or a regular expression between slashes matched against the whole path. */
export const modulePattern = () => z.string().refine(isPattern).meta({ expects: patternExpectation });

/** One value or a list of them. */
export const oneOrMore = <T extends z.ZodType>(value: T) => z.union([value, z.array(value).min(1)]);
