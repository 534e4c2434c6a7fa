// In the place of src/torch/index.ts in bench/peer/ours.ts: the GEMM backend that was not chosen.
import * as torch from "../../../src/torch/index.ts";

export * from "../../../src/torch/index.ts";

export function chooseGemmBackend(): torch.GemmChoice {
  const chosen = torch.chooseGemmBackend().chosen === "aten" ? "onednn" : "aten";
  torch.useGemmBackend(chosen);
  return { chosen, by: "environment" };
}
