import { fromData, type ProcessGroup } from "../torch/index.ts";

/** Bytes of all ranks, in their order; as many on each. */
export async function gatherBytes(group: ProcessGroup, bytes: Uint8Array): Promise<Buffer[]> {
  using own = fromData(bytes, [bytes.length], { dtype: "uint8", device: "cpu" });
  using gathered = await group.allGather(own);
  const all = Buffer.from(gathered.toFloats());
  return Array.from({ length: group.size }, (_, rank) =>
    all.subarray(rank * bytes.length, (rank + 1) * bytes.length),
  );
}
