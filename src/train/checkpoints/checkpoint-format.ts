import type { Json } from "../../util/json.ts";

/** The tensor files of a checkpoint: weights that the method changed, optimiser moments, states of torch generators. */
export const tensorFiles = {
  adapters: "adapters.safetensors",
  optimizer: "optimizer.safetensors",
  generators: "generators.safetensors",
} as const;
export type TensorPart = keyof typeof tensorFiles;

export const stateFile = "state.json";
export const manifestFile = "manifest.json";

/** What a checkpoint belongs to but does not contain: a resume must have the same base and adapter configuration. */
export interface CheckpointIdentity {
  /** Hash of the base model's weights (`hashModel`). */
  readonly base: string;
  /** The method's resolved configuration. */
  readonly adapter: Json;
}

export const stepFolder = (step: number) => `step-${String(step).padStart(6, "0")}`;

/** The step in a checkpoint folder's name; undefined for other names. */
export function stepOf(folderName: string): number | undefined {
  const match = /^step-(\d{6,})$/.exec(folderName);
  return match ? Number(match[1]) : undefined;
}

/** Whether a folder is left over from an interrupted save or removal; never read. */
export const isUnfinished = (folderName: string) => folderName.startsWith(".unfinished-");
export const unfinishedName = (folderName: string) => `.unfinished-${folderName}`;
