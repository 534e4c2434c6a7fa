import { z } from "zod";
import { methodConfigs } from "./adapters/index.ts";

/** The methods of training that an `adapter.method` may name, with one line on each. */
export const methodSummaries: Readonly<Record<string, string>> = Object.fromEntries(
  methodConfigs.map(({ name, summary }) => [name, summary]),
);

const [first, ...others] = methodConfigs.map(({ schema }) => schema);

/** Section `adapter` as it is written: a union over `method`. */
export const adapterSchema = z.discriminatedUnion("method", [first, ...others]);

/** A checked `adapter` section, defaults filled in. */
export type AdapterConfig = z.output<typeof adapterSchema>;
