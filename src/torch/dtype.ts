import { ScaloraError } from "../util/errors.ts";

/** Element types, by torch's names. */
export type DType = keyof typeof codes;

/** torch's ScalarType codes. */
const codes = {
  uint8: 0,
  int8: 1,
  int16: 2,
  int32: 3,
  int64: 4,
  float16: 5,
  float32: 6,
  float64: 7,
  complex64: 9,
  complex128: 10,
  bool: 11,
  bfloat16: 15,
} as const;

const widths: Record<DType, number> = {
  uint8: 1,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  float16: 2,
  float32: 4,
  float64: 8,
  complex64: 8,
  complex128: 16,
  bool: 1,
  bfloat16: 2,
};

const names = new Map<number, DType>();
for (const name of Object.keys(codes)) if (isDType(name)) names.set(codes[name], name);

/** Whether a string is the name of a dtype. */
export function isDType(name: string): name is DType {
  return name in codes;
}

/** Bytes of one element. */
export function dtypeWidth(dtype: DType): number {
  return widths[dtype];
}

/** torch's code of a dtype; undefined and null are returned unchanged (schema default, None). */
export function dtypeCode(dtype: DType): number;
export function dtypeCode(dtype: DType | null | undefined): number | null | undefined;
export function dtypeCode(dtype: DType | null | undefined): number | null | undefined {
  if (dtype === undefined || dtype === null) return dtype;
  if (!isDType(dtype)) {
    throw new ScaloraError("tensor", `Unknown dtype "${dtype}"`, { expected: Object.keys(codes).join(", ") });
  }
  return codes[dtype];
}

export function dtypeOfCode(code: number): DType {
  const name = names.get(code);
  if (name === undefined) throw new ScaloraError("tensor", `dtype ${code} of libtorch is not supported`);
  return name;
}

/** Typed arrays that hold tensor data; 16-bit floats are stored as their bits, bool as bytes. */
export type TensorData =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array
  | Uint16Array;

/** The default dtype for the elements of a typed array. */
export function dtypeOfData(data: TensorData): DType {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  if (data instanceof BigInt64Array) return "int64";
  if (data instanceof Int32Array) return "int32";
  if (data instanceof Int16Array) return "int16";
  if (data instanceof Int8Array) return "int8";
  if (data instanceof Uint8Array) return "uint8";
  throw new ScaloraError("tensor", "The bits of 16-bit floats need a dtype", {
    expected: 'dtype "bfloat16" or "float16" with a Uint16Array',
  });
}

/** A view of a buffer as elements of a dtype. */
export function viewData(buffer: ArrayBuffer, dtype: DType): TensorData {
  switch (dtype) {
    case "float32":
    case "complex64":
      return new Float32Array(buffer);
    case "float64":
    case "complex128":
      return new Float64Array(buffer);
    case "int64":
      return new BigInt64Array(buffer);
    case "int32":
      return new Int32Array(buffer);
    case "int16":
      return new Int16Array(buffer);
    case "int8":
      return new Int8Array(buffer);
    case "uint8":
    case "bool":
      return new Uint8Array(buffer);
    case "float16":
    case "bfloat16":
      return new Uint16Array(buffer);
  }
}
