import { createHash } from "node:crypto";
import type { AdapterSet } from "../../adapters/core/adapter-set.ts";
import {
  gatherBytes,
  noGrad,
  type ProcessGroup,
  scope,
  select,
  type Tensor,
  visitBytes,
} from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";
import { ScaloraError } from "../../util/errors.ts";

/** Bytes of a SHA-256. */
const hashBytes = 32;
/** Maximum number of names in a message. */
const maxListed = 5;

/** Compares the hashes of everything that training changes. @throws ScaloraError `run`, on all ranks, that names what differs */
export async function requireEqualRanks(
  group: ProcessGroup,
  adapters: AdapterSet,
  step: number,
): Promise<void> {
  const { names, hashes } = hashesOf(adapters);
  const all = await gatherBytes(group, hashes);
  const hashAt = (rank: number, index: number) =>
    elementAt(all, rank).subarray(index * hashBytes, (index + 1) * hashBytes);
  const ranks = all.map((_, rank) => rank);
  const isEqual = (rank: number, index: number) => hashAt(rank, index).equals(hashAt(0, index));
  const different = names.filter((_, index) => !ranks.every((rank) => isEqual(rank, index)));
  if (different.length === 0) return;
  const culprits = ranks.filter((rank) => !names.every((_, index) => isEqual(rank, index)));
  const more = different.length > maxListed ? ` and ${different.length - maxListed} more` : "";
  throw new ScaloraError("run", `The ranks no longer hold the same model after step ${step}; the run stops`, {
    where: different.slice(0, maxListed).join(", ") + more,
    expected: "equal bits on all ranks",
    found: `other ones on rank ${culprits.join(", ")} than on rank 0`,
    fix: "resume from the last checkpoint; look for a faulty machine, or for code that draws other random numbers on each rank",
  });
}

/** Hashes of the factors, the buffers and the changed weights, layer by layer, but of no weights that are shared out. */
function hashesOf(adapters: AdapterSet): { names: string[]; hashes: Uint8Array } {
  const slicesOf = new Map(adapters.trainables().map(({ name, slices }) => [bankOf(name), slices]));
  const shared = adapters.stateRows?.() ?? new Map();
  const replicated = [...adapters.state()].filter(([name]) => !shared.has(name));
  const parts = replicated.flatMap(([name, tensor]) => {
    const slices = slicesOf.get(bankOf(name));
    if (slices === undefined || tensor.ndim === 0 || tensor.size(0) !== slices.length)
      return [{ name, hash: hashOf(tensor) }];
    return slices.map((slice, index) => {
      const hash = noGrad(() => scope(() => hashOf(select(tensor, 0, index))));
      return { name: `${slice} (${name})`, hash };
    });
  });
  return { names: parts.map(({ name }) => name), hashes: Buffer.concat(parts.map(({ hash }) => hash)) };
}

/** The bank of a stack's or a buffer's name, such as `bank0.64x32r8` of `bank0.64x32r8.A`. */
const bankOf = (name: string) => name.slice(0, Math.max(0, name.lastIndexOf(".")));

function hashOf(tensor: Tensor): Buffer {
  const hash = createHash("sha256").update(`${tensor.dtype} ${tensor.shape.join()}`);
  visitBytes(tensor, (bytes) => hash.update(bytes));
  return hash.digest();
}
