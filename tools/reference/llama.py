"""Golden vectors of small random Llama models, from transformers.

    python tools/reference/llama.py test/golden/llama

Needs torch 2.11.0 and transformers 5.17.0. Each case is a folder: `config.json`, `model.safetensors` unless it shares
another case's weights (named in the metadata of the expected values), and `expected.safetensors` with

    tokens, offsets   the sequences, one after another
    logits            [T, vocabulary], every sequence run alone, eager attention, fp32
    loss              the sum of the next-token cross entropies of all sequences
    grad.NAME         the gradient of that sum, for every parameter
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

SEED = 20261124

BASE = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": 80,
    "hidden_size": 32,
    "intermediate_size": 40,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-05,
    "hidden_act": "silu",
    "tie_word_embeddings": True,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
    "dtype": "float32",
}

# name -> changes of the config, lengths of the sequences; weights are fresh unless `weights` names a case
CASES = {
    "gqa": ({}, [9, 9, 9]),
    "untied": ({"tie_word_embeddings": False, "num_key_value_heads": 4, "rms_norm_eps": 1e-3}, [13]),
    "biases": ({"attention_bias": True, "mlp_bias": True, "num_key_value_heads": 1}, [5, 17, 1, 8]),
    "gelu": ({"hidden_act": "gelu", "vocab_size": 101, "pretraining_tp": 2}, [7, 12]),
    "head-dim": ({"head_dim": 16}, [11, 24, 3]),
}
ROPE = {
    "old-layout": ({"rope_theta": 500.0, "rope_scaling": None}, [20]),
    "linear": ({"rope_type": "linear", "factor": 3.0, "rope_theta": 1000.0}, [48]),
    "linear-old-layout": ({"rope_theta": 1000.0, "rope_scaling": {"type": "linear", "factor": 3.0}}, [10]),
    "dynamic-within": ({"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0}, [32]),
    "dynamic-beyond": ({"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0}, [57]),
    "llama3-within": ("llama3", [20]),
    "llama3-beyond": ("llama3", [60]),
    "yarn-within": ("yarn", [20]),
    "yarn-beyond": ("yarn", [60]),
    "yarn-mscale": ({"mscale": 0.8, "mscale_all_dim": 0.5, "truncate": False, "beta_fast": 8.0}, [40]),
    "longrope-within": ("longrope", [32]),
    "longrope-beyond": ("longrope", [33]),
    "default-beyond": ({"rope_type": "default", "rope_theta": 10000.0}, [45]),
}
NAMED = {
    "llama3": {
        "rope_type": "llama3",
        "rope_theta": 10000.0,
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 32,
    },
    "yarn": {
        "rope_type": "yarn",
        "rope_theta": 10000.0,
        "factor": 4.0,
        "original_max_position_embeddings": 32,
    },
    "longrope": {
        "rope_type": "longrope",
        "rope_theta": 10000.0,
        "short_factor": [1.0, 1.02, 1.05, 1.1, 1.3, 1.6, 1.9, 2.0],
        "long_factor": [1.0, 1.3, 1.9, 2.7, 3.4, 3.9, 4.2, 4.4],
        "original_max_position_embeddings": 32,
    },
}


def rope_config(name, change):
    """The base config with a rope type; all share the weights of `head-dim`, whose heads have 8 frequencies."""
    config = {**BASE, "head_dim": 16}
    if name.startswith(("dynamic", "linear", "default")):
        config["max_position_embeddings"] = 32
    if name.startswith("longrope") or name.startswith("llama3"):
        config["max_position_embeddings"] = 128
    if name.endswith("old-layout"):
        del config["rope_parameters"]
        return {**config, **change}
    if name == "yarn-mscale":
        change = {**NAMED["yarn"], **change}
    return {**config, "rope_parameters": NAMED[change] if isinstance(change, str) else change}


def randomise(model, generator):
    for name, parameter in model.named_parameters():
        with torch.no_grad():
            values = torch.randn(parameter.shape, generator=generator) * 0.25
            parameter.copy_(values + 1 if name.endswith("norm.weight") else values)


def compute(model, tokens, lengths):
    logits, loss = [], torch.zeros(())
    for ids in tokens.split(lengths):
        out = model(input_ids=ids[None]).logits[0]
        logits.append(out)
        loss = loss + torch.nn.functional.cross_entropy(out[:-1], ids[1:], reduction="sum")
    loss.backward()
    return torch.cat(logits).detach(), loss.detach()


def write_case(folder, config, lengths, weights_of, generator):
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(config, indent=2) + "\n"
    (folder / "config.json").write_text(text)
    parsed = LlamaConfig(**json.loads(text))
    parsed._attn_implementation = "eager"
    model = LlamaForCausalLM(parsed).float().train()
    randomise(model, generator)
    if weights_of is not None:
        model.load_state_dict(weights_of.state_dict())
    tokens = torch.randint(0, config["vocab_size"], (sum(lengths),), generator=generator)
    logits, loss = compute(model, tokens, lengths)
    offsets = torch.tensor([0, *lengths]).cumsum(0)
    expected = {"tokens": tokens, "offsets": offsets, "logits": logits, "loss": loss}
    for name, parameter in model.named_parameters():
        expected[f"grad.{name}"] = parameter.grad
    metadata = {
        "torch": torch.__version__.split("+")[0],
        "transformers": transformers.__version__,
        "seed": str(SEED),
        "weights": "head-dim" if weights_of is not None else folder.name,
    }
    write(expected, folder / "expected.safetensors", metadata)
    if weights_of is None:
        write({n: p.detach().clone() for n, p in model.named_parameters()}, folder / "model.safetensors", metadata)
    return model


def write(tensors, path, metadata):
    save_file(tensors, path, metadata)
    path.chmod(0o644)


def main(out):
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(SEED)
    models = {}
    for name, (change, lengths) in CASES.items():
        models[name] = write_case(out / name, {**BASE, **change}, lengths, None, generator)
    for name, (change, lengths) in ROPE.items():
        write_case(out / name, rope_config(name, change), lengths, models["head-dim"], generator)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
