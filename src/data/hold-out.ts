import { elementAt } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";
import { formatCountOf } from "../util/format.ts";
import { Random } from "../util/random.ts";
import { deriveSeed } from "./derive-seed.ts";
import { hashIds } from "./hash-examples.ts";
import type { Example } from "./types.ts";

export interface Split {
  /** The remaining training examples, by source. */
  train: Example[][];
  heldOut: Example[];
}

/**
 * Holds examples out for evaluation: a fraction of them (`amount` below 1) or a number. Equal sequences, and the turns of
 * one chat, stay on one side, so that no evaluation example is trained on.
 * @throws ScaloraError `config` for an amount that leaves one side empty.
 */
export function holdOut(
  perSource: readonly (readonly Example[])[],
  { amount, seed }: { amount: number; seed: number },
): Split {
  const total = perSource.reduce((sum, { length }) => sum + length, 0);
  const wanted = amount < 1 ? Math.max(1, Math.round(amount * total)) : amount;
  if (!Number.isSafeInteger(wanted) || amount <= 0 || wanted >= total) throw badAmount(amount, total);
  const held = new Set<Example>();
  const groups = groupRelatedExamples(perSource.flat());
  if (groups.length === 1) throw allRelated(perSource.flat());
  for (const group of new Random(deriveSeed(seed, "held out")).shuffled(groups)) {
    if (held.size + group.length > wanted) continue;
    for (const example of group) held.add(example);
    if (held.size === wanted) break;
  }
  if (held.size === 0) throw groupsTooLarge(amount, wanted, groups);
  const train = perSource.map((examples) => examples.filter((example) => !held.has(example)));
  if (train.some(({ length }) => length === 0)) throw badAmount(amount, total);
  return { train, heldOut: perSource.flat().filter((example) => held.has(example)) };
}

/** Groups examples of one row and examples of equal tokens, transitively. */
function groupRelatedExamples(examples: readonly Example[]): Example[][] {
  const parents = examples.map((_, i) => i);
  const rootOf = (i: number) => {
    let root = i;
    while (parents[root] !== root) root = elementAt(parents, root);
    parents[i] = root;
    return root;
  };
  const firstWith = new Map<string, number>();
  for (const [i, { source, ids }] of examples.entries()) {
    for (const key of [source, hashIds(ids)]) {
      const first = firstWith.get(key);
      if (first === undefined) firstWith.set(key, i);
      else parents[rootOf(i)] = rootOf(first);
    }
  }
  const groups = new Map<number, Example[]>();
  for (const [i, example] of examples.entries()) {
    const root = rootOf(i);
    const group = groups.get(root);
    if (group === undefined) groups.set(root, [example]);
    else group.push(example);
  }
  return [...groups.values()];
}

function allRelated(examples: readonly Example[]): ScaloraError {
  const { size: rows } = new Set(examples.map(({ source }) => source));
  return new ScaloraError("config", "No part of the data can be held out: all its rows belong together", {
    where: "data.eval",
    expected: "rows whose tokens differ: those of equal tokens and the turns of one chat stay on one side",
    found:
      rows === 1
        ? `${formatCountOf(examples.length, "sequence")} of one row`
        : `${rows} rows with equal tokens, as this model's tokenizer makes them`,
    fix: "add other rows (texts that differ only in what the tokenizer has no tokens for are the same to it), or train without evaluation (data.eval: none)",
  });
}

function groupsTooLarge(amount: number, wanted: number, groups: readonly Example[][]): ScaloraError {
  const smallest = Math.min(...groups.map(({ length }) => length));
  return new ScaloraError(
    "config",
    "The rows belong together in groups too large for this part to be held out",
    {
      where: "data.eval.holdOut",
      expected: `at least ${smallest} rows: equal rows and the turns of one chat stay on one side`,
      found: `${amount}${amount < 1 ? `, ${formatCountOf(wanted, "row")}` : ""}, and ${groups.length} groups of ${smallest} rows or more`,
      fix: "hold more out, add other rows, or train without evaluation (data.eval: none)",
    },
  );
}

function badAmount(amount: number, total: number): ScaloraError {
  return new ScaloraError("config", "This part of the data cannot be held out", {
    where: "data.eval.holdOut",
    expected: `a fraction between 0 and 1, or an integer below the ${total} rows, leaving rows of every file; equal rows and the turns of one chat stay together`,
    found: String(amount),
    fix: "choose another amount, or train without evaluation (data.eval: none)",
  });
}
