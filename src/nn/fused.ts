import { isRecording, type Tensor } from "../torch/index.ts";

/** Whether our operators for what generates and evaluates take this: float32 on the CPU, within `noGrad`. */
export function runsFused(x: Tensor): boolean {
  return !isRecording() && x.dtype === "float32" && x.device === "cpu";
}
