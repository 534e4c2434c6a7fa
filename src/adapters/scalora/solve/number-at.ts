import { internalError } from "../../../util/errors.ts";

/** A number that must be there. For one kind of list only, so that inner loops stay fast. */
export function numberAt(values: Float64Array, index: number): number {
  const value = values[index];
  if (value === undefined) throw internalError(`no number ${index} among ${values.length}`);
  return value;
}
