import { dora } from "./dora.ts";
import { flora, floraDefaults } from "./flora.ts";
import { fourierDefaults, fourierft } from "./fourierft.ts";
import { full } from "./full.ts";
import { hira } from "./hira.ts";
import { lora } from "./lora.ts";
import { loraGa, loraGaDefaults } from "./lora-ga.ts";
import { loraPlus, loraPlusDefaults } from "./lora-plus.ts";
import type { MethodConfig } from "./method-config.ts";
import { mora } from "./mora.ts";
import { pissa } from "./pissa.ts";
import { qlora } from "./qlora.ts";
import { relora, reloraDefaults } from "./relora.ts";
import { amortisedInterval, scalora, scaloraInterval } from "./scalora.ts";

/** What a recipe and a program get where they leave a key out. */
export const methodDefaults = {
  flora: floraDefaults,
  fourierft: fourierDefaults,
  "lora-ga": loraGaDefaults,
  "lora+": loraPlusDefaults,
  relora: reloraDefaults,
  "scalora-i": { interval: amortisedInterval },
};

/** Every method of training, in the order of the lists: written once, here. */
export const methodConfigs = [
  lora,
  qlora,
  loraPlus,
  loraGa,
  pissa,
  dora,
  hira,
  fourierft,
  mora,
  scalora,
  scaloraInterval,
  relora,
  flora,
  full,
] as const;

export type MethodName = (typeof methodConfigs)[number]["name"];

/** What is known of a method. */
export function findMethodConfig(name: string): MethodConfig | undefined {
  return methodConfigs.find((method) => method.name === name);
}
