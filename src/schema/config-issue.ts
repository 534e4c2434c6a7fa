/** One thing wrong in a recipe. */
export interface ConfigIssue {
  /** `recipe.yaml:12` or the `--set` option that gave the value. */
  where: string;
  /** Dotted key path, such as `data.train[0].weight`. */
  key: string;
  problem: string;
  expected?: string | undefined;
  found?: string | undefined;
  fix?: string | undefined;
}

export type KeyPath = readonly (string | number)[];
