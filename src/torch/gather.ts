import { zip } from "../util/elements.ts";
import { fromData } from "./from-data.ts";
import type { ProcessGroup } from "./process-group.ts";

/** Bytes of all ranks, in their order; as many on each. */
export async function gatherBytes(group: ProcessGroup, bytes: Uint8Array): Promise<Buffer[]> {
  using own = fromData(bytes, [bytes.length], { dtype: "uint8", device: "cpu" });
  using gathered = await group.allGather(own);
  const all = Buffer.from(gathered.toFloats());
  return Array.from({ length: group.size }, (_, rank) =>
    all.subarray(rank * bytes.length, (rank + 1) * bytes.length),
  );
}

/** A text of each rank, in their order. */
export async function gatherTexts(group: ProcessGroup, text: string): Promise<string[]> {
  const own = Buffer.from(text);
  const ownLength = Buffer.alloc(4);
  ownLength.writeUInt32LE(own.length);
  const lengths = (await gatherBytes(group, ownLength)).map((length) => length.readUInt32LE());
  const padded = Buffer.alloc(Math.max(...lengths));
  own.copy(padded);
  const texts = await gatherBytes(group, padded);
  return zip(texts, lengths).map(([bytes, length]) => bytes.toString("utf8", 0, length));
}

/** Numbers of which one rank has computed each, where the others have 0. @returns those of all ranks */
export async function combineNumbers(group: ProcessGroup, numbers: Float64Array): Promise<Float64Array> {
  using all = fromData(numbers, [numbers.length], { dtype: "float64", device: "cpu" });
  await group.allReduce(all);
  return all.toFloats();
}

/** A number of each rank, in their order. */
export function gatherNumbers(group: ProcessGroup, number: number): Promise<Float64Array> {
  const numbers = new Float64Array(group.size);
  numbers[group.rank] = number;
  return combineNumbers(group, numbers);
}
