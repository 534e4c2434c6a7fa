import { gatherNumbers, type ProcessGroup } from "../torch/index.ts";
import { leaveStop } from "./stop-of-any.ts";

/**
 * The exit code with which each rank ends when all have stopped for the signal that one of them got; 0 where none did. All ranks
 * call it as the last thing, because a launcher may end the others once one has ended.
 * @param own that of this rank, other than 0 where it was signalled
 */
export async function exitCodeOfStop(group: ProcessGroup, own: number): Promise<number> {
  if (own !== 0) leaveStop(group.rank, "", own);
  const codes = await gatherNumbers(group, own);
  return own || (codes.find((code) => code !== 0) ?? 0);
}
