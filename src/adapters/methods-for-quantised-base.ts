import type { Method, UncheckedSection } from "./core/method.ts";
import { naming } from "./core/name-method.ts";
import { listMethods } from "./registry.ts";

/**
 * Why a method cannot train on a base in 4 bits (`refusesQuantised`); undefined where it can.
 * @throws ScaloraError `run` naming the method, when its own code throws
 */
export const quantisedRefusal = (method: Method, adapter: UncheckedSection): string | undefined =>
  naming(method.name, "refusesQuantised()", () => method.refusesQuantised?.(adapter));

/** Names of the methods that can train on a base in 4 bits, under the options given; one that fails to answer is left out. */
export function methodsForQuantisedBase(adapter: UncheckedSection): string {
  const served = listMethods().filter((method) => {
    try {
      return quantisedRefusal(method, { ...adapter, method: method.name }) === undefined;
    } catch {
      return false;
    }
  });
  return served.map(({ name }) => name).join(", ");
}
