import { ScaloraError } from "../util/errors.ts";

/** The GPUs of this machine, and the number of this process among those of its job on it. */
export interface Gpus {
  readonly devices: number;
  readonly localRank: number;
}

/**
 * The device that a recipe's `model.device` means here: `cuda`, and `auto` on a machine with GPUs, is the one of this process's
 * number, so that processes of one machine do not share one.
 * @throws ScaloraError `config` when there is no such GPU, or the recipe names one for several processes
 */
export function chooseDevice(wanted: string, { devices, localRank }: Gpus): string {
  if (wanted === "auto" && devices === 0) return "cpu";
  if (wanted !== "auto" && !wanted.startsWith("cuda")) return wanted;
  const named = wanted.split(":")[1];
  if (named !== undefined && localRank > 0) throw sharedError(wanted, localRank);
  const index = named === undefined ? localRank : Number(named);
  if (index < devices) return `cuda:${index}`;
  throw missingError(wanted, { devices, localRank });
}

function sharedError(wanted: string, localRank: number): ScaloraError {
  return new ScaloraError("config", "Several processes of this machine would share a GPU", {
    where: "model.device",
    found: `${wanted} in process ${localRank} of this machine`,
    fix: "use model.device: cuda, which gives each process the GPU of its number",
  });
}

function missingError(wanted: string, { devices, localRank }: Gpus): ScaloraError {
  const details = { where: "model.device", found: wanted };
  if (devices === 0)
    return new ScaloraError("config", "No CUDA device is available", {
      ...details,
      fix: "use model.device: cpu, or run `npx scalora doctor` to see what was found",
    });
  if (localRank > 0)
    return new ScaloraError("config", "There are more processes on this machine than GPUs", {
      ...details,
      found: `process ${localRank}, counted from 0, and ${devices} GPUs`,
      fix: "start as many processes as there are GPUs on each machine, or use model.device: cpu",
    });
  return new ScaloraError("config", `There is no GPU ${wanted}`, {
    ...details,
    expected: `cuda:0 to cuda:${devices - 1}`,
  });
}
