import { ScaloraError } from "../../util/errors.ts";
import type { PeftConfig } from "./adapter-config.ts";

/** The accepted values of those keys of adapter_config.json that change the computation. */
export type SupportedSettings = Readonly<Record<string, readonly unknown[]>>;

/** Accepted values of the keys that every format checks. */
const commonSupported: SupportedSettings = {
  bias: ["none", undefined],
  fan_in_fan_out: [false, null, undefined],
};

/** Accepted values of the keys that change the computation of LoRA. */
export const loraSupported: SupportedSettings = {
  peft_type: ["LORA"],
  use_dora: [false, null, undefined],
  lora_bias: [false, null, undefined],
  // Other starts (pissa, olora, corda, loftq) take a part of the base weights away, which the folder does not hold.
  init_lora_weights: [true, false, "gaussian", "eva", "orthogonal", undefined],
  layer_replication: [null, undefined],
  trainable_token_indices: [null, undefined],
  target_parameters: [null, undefined],
  alora_invocation_tokens: [null, undefined],
  arrow_config: [null, undefined],
  kasa_config: [null, undefined],
  monteclora_config: [null, undefined],
  use_qalora: [false, null, undefined],
  use_bdlora: [false, null, undefined],
};

/**
 * Refuses a folder whose settings change the computation.
 * @throws ScaloraError `model`
 */
export function checkAdapterConfig(folder: string, config: PeftConfig, supported: SupportedSettings): void {
  for (const [key, values] of Object.entries({ ...commonSupported, ...supported })) {
    if (values.includes(config[key])) continue;
    throw new ScaloraError("model", `The adapter's ${key} is not supported`, {
      where: folder,
      expected: String(values[0]),
      found: JSON.stringify(config[key]),
      fix: key === "use_dora" ? "this is a DoRA adapter: only method dora goes on from it" : undefined,
    });
  }
}
