import type { ConfigIssue, KeyPath } from "../config-issue.ts";

/** Something wrong between two keys. */
export type CrossKeyIssue = Omit<ConfigIssue, "where" | "key"> & { path: KeyPath };

/** An unchecked section. */
export type UncheckedSection = Readonly<Record<string, unknown>>;

/** What the configuration knows of a method, beside the schema of its section. */
export interface MethodConfig {
  /** Value of `adapter.method`. */
  readonly name: string;
  /** One line for `scalora ls methods`. */
  readonly summary: string;
  /** Peak learning rate where the recipe names none. */
  readonly lr: number;
  /** Keys that have no effect beside `from`, whose folder has its own; absent where there is no `from`. */
  readonly folderKeys?: readonly string[];
  /** Whether the method is one on a base in 4 bits: recipes that leave `model.quantization` out get it. */
  readonly quantises?: boolean;
  /** Why a base in 4 bits cannot serve the method; absent, or undefined, where it can. Works on unchecked sections. */
  readonly refusesQuantised?: (adapter: UncheckedSection) => string | undefined;
  /** What keys say about each other; works on unchecked sections. */
  readonly check?: (adapter: UncheckedSection, train: UncheckedSection) => CrossKeyIssue[];
}
