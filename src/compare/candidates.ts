/** A value that a sweep tries for an option. */
export type SweptValue = number | string | boolean;

/** One point of a setting's sweep. */
export interface Candidate {
  /** Peak learning rate. */
  readonly lr: number;
  /** Swept options of the adapter section by their paths (`scale.lipschitz`); empty where only rates are swept. */
  readonly options: Readonly<Record<string, SweptValue>>;
}

/** The candidates of a sweep of learning rates alone. */
export const rateCandidates = (lrs: readonly number[]): Candidate[] => lrs.map((lr) => ({ lr, options: {} }));

/** A candidate in names of runs: `lr0.01`, `lr0.01+scale.lipschitz=4`. Candidates of one name are the same. */
export function candidateName({ lr, options }: Candidate): string {
  return [`lr${lr}`, ...Object.entries(options).map(([path, value]) => `${path}=${value}`)].join("+");
}

/** The adapter section's keys of swept options: `{scale: {lipschitz: 4}}` of `scale.lipschitz`. */
export function sweptKeys({ options }: Candidate): Record<string, unknown> {
  return nest(Object.entries(options).map(([path, value]) => ({ path: path.split("."), value })));
}

function nest(leaves: readonly { path: readonly string[]; value: SweptValue }[]): Record<string, unknown> {
  const keys = new Set(leaves.flatMap(({ path }) => path.slice(0, 1)));
  const section = [...keys].map((key): [string, unknown] => {
    const inside = leaves.filter(({ path }) => path[0] === key);
    const leaf = inside.find(({ path }) => path.length === 1);
    return [key, leaf ? leaf.value : nest(inside.map(({ path, value }) => ({ path: path.slice(1), value })))];
  });
  return Object.fromEntries(section);
}
