import type { Module } from "./module.ts";

/** The device of a module's parameters, such as `cpu` or `cuda:0`; `cpu` when it has none. */
export function deviceOf(module: Module): string {
  for (const [, parameter] of module.namedParameters()) return parameter.device;
  return "cpu";
}
