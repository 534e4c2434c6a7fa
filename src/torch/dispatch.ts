import type { NativeOperator } from "../native/addon.ts";
import { native } from "../native/load.ts";
import { Tensor } from "./tensor.ts";

/** An operator as a function of handles and plain values, by its name in the dispatcher. */
export function bind<Result>(name: string, overload: string): NativeOperator<Result> {
  return native().operator<Result>(name, overload);
}

export const wrap = (handle: number): Tensor => new Tensor(handle);
export const wrapAll = (handles: readonly number[]): Tensor[] => handles.map(wrap);

/** The results of an operator that returns several tensors. */
export function wrapTuple(handles: readonly [number, number]): [Tensor, Tensor];
export function wrapTuple(handles: readonly [number, number, number]): [Tensor, Tensor, Tensor];
export function wrapTuple(
  handles: readonly [number, number, number, number, number],
): [Tensor, Tensor, Tensor, Tensor, Tensor];
export function wrapTuple(handles: readonly number[]): Tensor[] {
  return wrapAll(handles);
}

interface HasHandle {
  readonly handle: number;
}

/** The handle of an optional argument; undefined is the schema's default, null is None. */
export function handleOf(value: HasHandle | null | undefined): number | null | undefined {
  return value === undefined || value === null ? value : value.handle;
}

export function handlesOf(values: readonly (HasHandle | null)[]): (number | null)[] {
  return values.map((value) => (value === null ? null : value.handle));
}

/**
 * Calls any operator of libtorch by name, for those without a declaration in operators.txt. Tensors are passed as they
 * are, dtypes as torch's codes, `undefined` for a schema default and `null` for None.
 * @returns the results, which must all be tensors
 */
export function dispatch(name: string, overload: string, ...args: unknown[]): Tensor[] {
  const convert = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(convert);
    return value instanceof Tensor ? value.handle : value;
  };
  const result = bind<number | readonly number[] | undefined>(name, overload)(...args.map(convert));
  if (result === undefined) return [];
  return wrapAll(typeof result === "number" ? [result] : result);
}
