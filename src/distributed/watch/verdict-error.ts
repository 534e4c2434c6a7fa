import { ScaloraError } from "../../util/errors.ts";
import { StoppedElsewhere } from "../stopped-elsewhere.ts";
import { isExplained, type Verdict } from "./messages.ts";

/**
 * The error with which a rank stops: its own, where it is the one that the others stop for and has said why, otherwise one that
 * names that rank.
 * @param reported what it has said of itself
 * @param silence seconds
 */
export function errorAt(
  rank: number,
  verdict: Verdict,
  { reported, silence }: { readonly reported: Error | undefined; readonly silence: number },
): Error {
  const isItsReason = verdict.rank === rank && (isExplained(verdict.kind) || verdict.kind === "lost");
  return (isItsReason ? reported : undefined) ?? verdictError(verdict, silence);
}

function verdictError(verdict: Verdict, silence: number): ScaloraError {
  const { rank, host, pid, exitCode } = verdict;
  const { what, found, fix } = describe(verdict, silence);
  const message = `Rank ${rank} ${what}; the other ranks stop`;
  const details = {
    // Of one that was never watched no more is known.
    where: host === "" ? `rank ${rank}` : `rank ${rank}, process ${pid} on ${host}`,
    found,
    fix: `${fix}; a run goes on from its last checkpoint when it is resumed`,
  };
  return exitCode === undefined
    ? new ScaloraError("run", message, details)
    : new StoppedElsewhere(message, exitCode, details);
}

/** What became of the rank of a verdict, in words that follow its name. */
export const whatBecame = (verdict: Verdict): string => describe(verdict, 0).what;

function describe(
  { rank, kind, text }: Verdict,
  silence: number,
): { what: string; found: string; fix: string } {
  switch (kind) {
    case "failed":
      return { what: "has failed", found: text, fix: "mend what it says" };
    case "stopped":
      return { what: "was asked to stop", found: text, fix: "start the command again" };
    case "gone":
      return {
        what: "is gone",
        found: "its process ended without a word: it was killed, crashed, or its machine had no memory left",
        fix: "look at its output, and at its machine's log",
      };
    case "cut":
      return {
        ...(rank === 0
          ? {
              what: "has lost all other machines",
              found: `no sign of life of any of them for ${silence} s: its machine's network was cut, or all of them are down`,
            }
          : {
              what: "and rank 0 have lost each other",
              found: `no sign of life for ${silence} s, though both live: the network between them was cut`,
            }),
        fix: "look at the network between the machines; a training waits longer with `--silence`",
      };
    case "silent":
      return {
        what: "is silent",
        found: `no sign of life for ${silence} s: its process is suspended, its machine down, or the network to it cut`,
        fix: "look at its machine and the network; a training waits longer with `--silence`",
      };
    case "late":
      return { what: "does not come", found: text, fix: "look at what it does: it lives" };
    case "left":
      return { what: "has left", found: "it ended while others waited for it", fix: "look at its output" };
    case "lost":
      return { what: "has lost another", found: text, fix: "look at the network between the ranks" };
  }
}
