type Model = Readonly<Record<string, unknown>>;

/**
 * A model with its merges as texts, `left right`, the form of older files: the `tokenizers` library reads half a million of them in
 * two thirds of the time that it needs for pairs (docs/performance.md). Where a token has a space, or a merge looks like the heading
 * that such files have, they stay pairs; so they do where right parts have a prefix, which is checked later.
 */
export function compactMerges(model: Model): Model {
  const { merges, continuing_subword_prefix: prefix } = model;
  if (!Array.isArray(merges) || prefix) return model;
  const texts: string[] = [];
  for (const merge of merges) {
    const text = textOf(merge);
    if (text === undefined) return model;
    texts.push(text);
  }
  return { ...model, merges: texts };
}

function textOf(merge: unknown): string | undefined {
  if (!Array.isArray(merge) || merge.length !== 2) return undefined;
  const [left, right]: unknown[] = merge;
  if (typeof left !== "string" || typeof right !== "string") return undefined;
  const isSafe = !left.includes(" ") && !right.includes(" ") && !left.startsWith("#version");
  return isSafe ? `${left} ${right}` : undefined;
}
