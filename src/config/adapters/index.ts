import { dora } from "./dora.js";
import { fourierft } from "./fourierft.js";
import { full } from "./full.js";
import { hira } from "./hira.js";
import { lora } from "./lora.js";
import type { MethodFacts } from "./method.js";
import { mora } from "./mora.js";
import { scalora, scaloraInterval } from "./scalora.js";

/** Every method of training, in the order of the lists: written once, here. */
export const methodConfigs = [lora, dora, hira, fourierft, mora, scalora, scaloraInterval, full] as const;

export type MethodName = (typeof methodConfigs)[number]["name"];

/** What is known of a method. */
export function factsOf(name: string): MethodFacts | undefined {
  return methodConfigs.find((method) => method.name === name);
}
