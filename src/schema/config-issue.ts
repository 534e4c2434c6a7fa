/** One thing wrong in a recipe. */
export interface ConfigIssue {
  /** `recipe.yaml:12` or the `--set` option that gave the value. */
  where: string;
  /** Dotted key path, such as `data.train[0].weight`. */
  key: string;
  /** The same as its parts, of which one may hold dots itself; absent where the key is not that of a value. */
  path?: KeyPath | undefined;
  problem: string;
  expected?: string | undefined;
  found?: string | undefined;
  fix?: string | undefined;
}

/** Keys and list indexes from the recipe down to a value. */
export type KeyPath = readonly (string | number)[];

/** What is wrong with a value, without the places that only the reader of the recipe knows. */
export type IssueText = Omit<ConfigIssue, "where" | "key" | "path">;

/** An issue with the key path that it is about. */
export type KeyIssue = IssueText & { path: KeyPath };

/** Takes note of an issue. */
export type ReportIssue = (path: KeyPath, issue: IssueText) => void;
