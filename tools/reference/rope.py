"""Inverse frequencies of rotary embeddings as transformers computes them, for settings of real models.

    python tools/reference/rope.py test/golden/rope

Needs torch 2.11.0 and transformers 5.17.0. Writes `cases.json` (a list of {name, config, length}) and
`tables.safetensors` (NAME: fp32 frequencies, NAME.scale: fp64 factor of cosines and sines).
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding


def config(theta, rope, positions, head_dim=128, **rest):
    return {
        "model_type": "llama",
        "hidden_size": 4 * head_dim,
        "num_attention_heads": 4,
        "head_dim": head_dim,
        "max_position_embeddings": positions,
        "rope_parameters": {"rope_theta": theta, **rope},
        **rest,
    }


LLAMA31 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}
CASES = {
    "llama2": (config(10000.0, {"rope_type": "default"}, 4096), 1),
    "llama3": (config(500000.0, {"rope_type": "default"}, 8192), 1),
    "smollm2": (config(100000, {"rope_type": "default"}, 8192, 64), 1),
    "linear": (config(10000.0, {"rope_type": "linear", "factor": 2.5}, 4096), 1),
    "llama3.1": (config(500000.0, LLAMA31, 131072), 1),
    "llama3.2": (config(500000.0, {**LLAMA31, "factor": 32.0}, 131072, 64), 1),
    "dynamic-short": (config(10000.0, {"rope_type": "dynamic", "factor": 2.0}, 4096), 4096),
    "dynamic-4097": (config(10000.0, {"rope_type": "dynamic", "factor": 2.0}, 4096), 4097),
    "dynamic-10000": (config(10000.0, {"rope_type": "dynamic", "factor": 3.7}, 4096), 10000),
    "yarn": (
        config(10000.0, {"rope_type": "yarn", "factor": 16.0, "original_max_position_embeddings": 4096}, 65536),
        1,
    ),
    "yarn-options": (
        config(
            1000000.0,
            {
                "rope_type": "yarn",
                "factor": 40.0,
                "original_max_position_embeddings": 4096,
                "beta_fast": 24.0,
                "beta_slow": 2.0,
                "mscale": 0.707,
                "mscale_all_dim": 1.0,
                "truncate": False,
            },
            163840,
            64,
        ),
        1,
    ),
    "yarn-attention-factor": (
        config(
            10000.0,
            {
                "rope_type": "yarn",
                "factor": 4.0,
                "original_max_position_embeddings": 2048,
                "attention_factor": 1.25,
            },
            8192,
        ),
        1,
    ),
}
LONG = {
    "rope_type": "longrope",
    "short_factor": [1.0 + 0.01 * i for i in range(48)],
    "long_factor": [1.0 + 0.7 * i for i in range(48)],
    "original_max_position_embeddings": 4096,
}
for length in (4096, 4097):
    CASES[f"longrope-{length}"] = (config(10000.0, LONG, 131072, 96), length)
    CASES[f"longrope-factor-{length}"] = (config(10000.0, {**LONG, "factor": 4.0}, 131072, 96), length)
outer = {key: value for key, value in LONG.items() if key != "original_max_position_embeddings"}
CASES["longrope-outer"] = (config(10000.0, outer, 131072, 96, original_max_position_embeddings=2048), 3000)


def table(raw, length):
    parsed = LlamaConfig(**json.loads(json.dumps(raw)))
    rope_type = parsed.rope_parameters["rope_type"]
    if rope_type == "default":
        return LlamaRotaryEmbedding.compute_default_rope_parameters(parsed)
    # A forward pass beyond the model's maximum gives the length as a tensor.
    beyond = length > parsed.max_position_embeddings
    seq_len = torch.tensor(length) if beyond else length
    return ROPE_INIT_FUNCTIONS[rope_type](parsed, torch.device("cpu"), seq_len=seq_len)


def main(out):
    out.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for name, (raw, length) in CASES.items():
        frequencies, scale = table(raw, length)
        tensors[name] = frequencies
        tensors[f"{name}.scale"] = torch.tensor(scale, dtype=torch.float64)
    versions = {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__}
    save_file(tensors, out / "tables.safetensors", versions)
    (out / "tables.safetensors").chmod(0o644)
    cases = [{"name": name, "config": raw, "length": length} for name, (raw, length) in CASES.items()]
    (out / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
