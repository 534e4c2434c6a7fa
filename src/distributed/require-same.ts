import { gatherTexts, type ProcessGroup } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";

/** What must be the same on all ranks; `of` is told where it differs, and may differ itself. */
type Fact = string | { readonly is: string; readonly of: string };

/** Facts by names for people. */
type Facts = Readonly<Record<string, Fact>>;

/** Maximum number of differences in a message. */
const maxListed = 5;

/** Settings, such as those of a recipe, by their paths: `train.lr`. */
export function settingsOf(value: object, path = ""): Record<string, string> {
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
  const all = (await gatherTexts(group, JSON.stringify(sorted))).map(parseFacts);
  const first = elementAt(all, 0);
  const rank = all.findIndex((other) => differingKeys(first, other).length > 0);
  if (rank < 0) return;
  throw new ScaloraError("usage", "The ranks do not do the same", {
    where: `rank ${rank}`,
    ...(group.rank === 0 && { found: differences(first, elementAt(all, rank), rank) }),
    fix:
      group.rank === 0 ? "give every rank the same command, files and version" : "rank 0 says what differs",
  });
}

type FactsByName = ReadonlyMap<string, Fact>;

const parseFacts = (text: string): FactsByName => new Map(JSON.parse(text));

const factValue = (fact: Fact | undefined) => (typeof fact === "object" ? fact.is : fact);

function differingKeys(first: FactsByName, other: FactsByName): string[] {
  const keys = [...new Set([...first.keys(), ...other.keys()])];
  return keys.filter((key) => factValue(first.get(key)) !== factValue(other.get(key)));
}

function differences(first: FactsByName, other: FactsByName, rank: number): string {
  const keys = differingKeys(first, other);
  const shown = keys.slice(0, maxListed).map((key) => {
    const [one, two] = [first, other].map((facts) => textOf(facts.get(key)));
    return `${key}: ${one} on rank 0, ${two} on rank ${rank}`;
  });
  return shown.join("; ") + (keys.length > maxListed ? `; and ${keys.length - maxListed} more` : "");
}

const textOf = (fact: Fact = "nothing") => (typeof fact === "object" ? `${fact.is} of ${fact.of}` : fact);
