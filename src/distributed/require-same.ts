import { gatherTexts, type ProcessGroup } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";

/** What must be the same on all ranks, by names for people. */
type Facts = Readonly<Record<string, string>>;

/** Maximum number of differences in a message. */
const maxListed = 5;

/** Settings, such as those of a recipe, by their paths: `train.lr`. */
export function settingsOf(value: object, path = ""): Facts {
  const entries = Object.entries(value).flatMap(([key, inner]): [string, string][] =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.entries(settingsOf(inner, `${path}${key}.`))
      : [[`${path}${key}`, String(JSON.stringify(inner))]],
  );
  return Object.fromEntries(entries);
}

/** @throws ScaloraError `usage` on all ranks when one of them has other facts than rank 0; rank 0's error names them */
export async function requireSame(group: ProcessGroup, facts: Facts): Promise<void> {
  const sorted = Object.entries(facts).sort(([a], [b]) => (a < b ? -1 : 1));
  const all = await gatherTexts(group, JSON.stringify(sorted));
  const first = elementAt(all, 0);
  const other = all.findIndex((text) => text !== first);
  if (other < 0) return;
  throw new ScaloraError("usage", "The ranks do not do the same", {
    where: `rank ${other}`,
    ...(group.rank === 0 && {
      found: differences(parseFacts(first), parseFacts(elementAt(all, other)), other),
    }),
    fix:
      group.rank === 0 ? "give every rank the same command, files and version" : "rank 0 says what differs",
  });
}

function parseFacts(text: string): Map<string, string> {
  return new Map(JSON.parse(text));
}

function differences(
  first: ReadonlyMap<string, string>,
  other: ReadonlyMap<string, string>,
  rank: number,
): string {
  const keys = [...new Set([...first.keys(), ...other.keys()])].filter(
    (key) => first.get(key) !== other.get(key),
  );
  const shown = keys.slice(0, maxListed).map((key) => {
    const [one, two] = [first, other].map((facts) => facts.get(key) ?? "nothing");
    return `${key}: ${one} on rank 0, ${two} on rank ${rank}`;
  });
  return shown.join("; ") + (keys.length > maxListed ? `; and ${keys.length - maxListed} more` : "");
}
