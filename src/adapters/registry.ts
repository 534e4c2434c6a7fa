import { z } from "zod";
import { required } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";
import { checkMethod } from "./check-method.ts";
import type { Method, OptionsSchema } from "./core/method.ts";
import { dora } from "./dora/method.ts";
import { flora } from "./flora/method.ts";
import { fourierft } from "./fourierft/method.ts";
import { full } from "./full/method.ts";
import { hira } from "./hira/method.ts";
import { lora } from "./lora/method.ts";
import { loraGa } from "./lora-ga/method.ts";
import { loraPlus } from "./lora-plus/method.ts";
import { mora } from "./mora/method.ts";
import { pissa } from "./pissa/method.ts";
import { qlora } from "./qlora/method.ts";
import { relora } from "./relora/method.ts";
import { amortisedScalora, scalora } from "./scalora/method.ts";

/** The methods of this package, in the order of the lists: a line for each. */
const builtInMethods = [
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
  amortisedScalora,
  relora,
  flora,
  full,
] as const;

type BuiltInSchema = (typeof builtInMethods)[number]["schema"];

/** A method of this package with its options, as they may be given in code: what is left out gets its default. */
export type BuiltInOptions = Readonly<z.input<BuiltInSchema>>;

const methods = new Map<string, Method>(builtInMethods.map((method) => [method.name, method]));

/**
 * Makes a method of your own known: recipes, `attach`, comparisons and lists take it as they take those of this package.
 * docs/adapters.md (A method of your own) shows one. A recipe names the module that exports it in `plugins`.
 * @throws ScaloraError `config` naming the method: its name is taken, or it breaks the contract of methods
 */
export function registerMethod<Schema extends OptionsSchema>(method: Method<Schema>): void {
  // A plug-in in plain JavaScript may pass undefined; the check below reports it.
  if (methods.has(method?.name))
    throw new ScaloraError("config", `There is a method ${method.name} already`, {
      where: `method ${method.name}`,
      fix: "give yours another name",
    });
  checkMethod(method);
  methods.set(method.name, method);
}

/** Every method of training that is known. */
export const listMethods = (): readonly Method[] => [...methods.values()];

/** Whether a method was registered from outside this package. */
export const isRegistered = (method: Method): boolean =>
  !builtInMethods.some(({ name }) => name === method.name);

/** The method of a name. */
export const methodNamed = (name: string): Method | undefined => methods.get(name);

/** Schema of a recipe's `adapter` section: a union over `method`. */
export function adapterSchema(): z.ZodType<z.output<OptionsSchema>> {
  const [first, ...others] = listMethods().map(({ schema }) => schema);
  return z.discriminatedUnion("method", [required(first, "the first method"), ...others]);
}
