/** Types of metadata values by their GGUF numbers (ggml, docs/gguf.md). */
export const valueType = {
  uint8: 0,
  int8: 1,
  uint16: 2,
  int16: 3,
  uint32: 4,
  int32: 5,
  float32: 6,
  bool: 7,
  string: 8,
  array: 9,
  uint64: 10,
  int64: 11,
  float64: 12,
} as const;

/** Bytes of a value of each type of fixed size. */
export const valueTypeBytes: ReadonlyMap<number, number> = new Map([
  [valueType.uint8, 1],
  [valueType.int8, 1],
  [valueType.uint16, 2],
  [valueType.int16, 2],
  [valueType.uint32, 4],
  [valueType.int32, 4],
  [valueType.float32, 4],
  [valueType.bool, 1],
  [valueType.uint64, 8],
  [valueType.int64, 8],
  [valueType.float64, 8],
]);
