// In the place of src/data/collate.ts: rows are padded to the longest of their batch. Nothing attends to the filler, and none
// of it is a label.
import { collate as collateRows } from "../../../src/data/collate.ts";
import type { Batch, Example } from "../../../src/data/types.ts";

export function collate(examples: readonly Example[]): Batch {
  const longest = Math.max(...examples.map(({ ids }) => ids.length));
  return collateRows(
    examples.map((example) => {
      const [ids, isLabel] = [new Int32Array(longest), new Uint8Array(longest)];
      ids.set(example.ids);
      isLabel.set(example.isLabel);
      return { ...example, ids, isLabel };
    }),
  );
}
