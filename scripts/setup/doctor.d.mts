/** One thing that scalora needs, or a place where it looked. */
export interface Finding {
  name: string;
  /** `info` neither helps nor harms. */
  status: "ok" | "missing" | "info";
  found: string;
  /** The command or step that mends it; there for everything that is missing. */
  cure?: string;
}

/** One finding for each thing that is needed, in the order in which set-up needs them. Changes nothing. */
export function inspect(env?: NodeJS.ProcessEnv): Promise<Finding[]>;
