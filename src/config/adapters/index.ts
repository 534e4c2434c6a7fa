import { dora } from "./dora.js";
import { flora } from "./flora.js";
import { fourierft } from "./fourierft.js";
import { full } from "./full.js";
import { hira } from "./hira.js";
import { lora } from "./lora.js";
import { loraGa } from "./lora-ga.js";
import { loraPlus } from "./lora-plus.js";
import type { MethodFacts } from "./method.js";
import { mora } from "./mora.js";
import { pissa } from "./pissa.js";
import { relora } from "./relora.js";
import { scalora, scaloraInterval } from "./scalora.js";

/** Every method of training, in the order of the lists: written once, here. */
export const methodConfigs = [
  lora,
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
