import { dora } from "./dora.js";
import { flora, floraDefaults } from "./flora.js";
import { fourierDefaults, fourierft } from "./fourierft.js";
import { full } from "./full.js";
import { hira } from "./hira.js";
import { lora } from "./lora.js";
import { loraGa, loraGaDefaults } from "./lora-ga.js";
import { loraPlus, loraPlusDefaults } from "./lora-plus.js";
import type { MethodFacts } from "./method.js";
import { mora } from "./mora.js";
import { pissa } from "./pissa.js";
import { qlora } from "./qlora.js";
import { relora, reloraDefaults } from "./relora.js";
import { amortisedInterval, scalora, scaloraInterval } from "./scalora.js";

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
export function factsOf(name: string): MethodFacts | undefined {
  return methodConfigs.find((method) => method.name === name);
}
