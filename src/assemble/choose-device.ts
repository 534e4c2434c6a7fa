import { ScaloraError } from "../util/errors.ts";

/** The GPUs of this machine, and the number of this process among those of its job on it. */
export interface Gpus {
  readonly devices: number;
  readonly localRank: number;
}

/**
 * The device that a recipe's `model.device` means here: `cuda`, and `auto` on a machine with GPUs, is the one of this process's
 * number, so that processes of one machine do not share one.
 * @throws ScaloraError `config` when there is no such GPU
 */
export function chooseDevice(wanted: string, { devices, localRank }: Gpus): string {
  if (wanted === "auto" && devices === 0) return "cpu";
  if (wanted !== "auto" && !wanted.startsWith("cuda")) return wanted;
  const named = wanted.split(":")[1];
  const index = named === undefined ? localRank : Number(named);
  if (index < devices) return `cuda:${index}`;
  const own = "start as many processes as there are GPUs on each machine, or use model.device: cpu";
  throw new ScaloraError("config", `CUDA device ${index} is not available`, {
    where: "model.device",
    expected: devices === 0 ? "a CUDA device" : `a device below ${devices}`,
    found: `${wanted}${named === undefined && localRank > 0 ? ` in process ${localRank} of this machine` : ""}`,
    fix:
      devices === 0
        ? "use model.device: cpu, or run `npx scalora doctor` to see what was found"
        : named === undefined
          ? own
          : `use one below ${devices}`,
  });
}
