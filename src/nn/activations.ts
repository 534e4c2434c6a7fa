import { gelu, mul, mulScalar, relu, sigmoid, silu, square, type Tensor, tanh } from "../torch/index.ts";

/** A function of each element. */
export type Activation = (x: Tensor) => Tensor;

const tanhGelu: Activation = (x) => gelu(x, { approximate: "tanh" });

/** By the names that Hugging Face configs use (`ACT2FN` of transformers 5.17). */
export const activations: ReadonlyMap<string, Activation> = new Map<string, Activation>([
  ["silu", (x) => silu(x)],
  ["swish", (x) => silu(x)],
  ["gelu", (x) => gelu(x)],
  ["gelu_python", (x) => gelu(x)],
  ["gelu_new", tanhGelu],
  ["gelu_fast", tanhGelu],
  ["gelu_pytorch_tanh", tanhGelu],
  ["gelu_python_tanh", tanhGelu],
  ["quick_gelu", (x) => mul(x, sigmoid(mulScalar(x, 1.702)))],
  ["relu", (x) => relu(x)],
  ["relu2", (x) => square(relu(x))],
  ["sigmoid", (x) => sigmoid(x)],
  ["tanh", (x) => tanh(x)],
]);
