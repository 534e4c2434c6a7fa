"""Golden vectors of small random models of the decoder families beside Llama, from transformers.

    python tools/reference/decoders.py test/golden

Needs torch 2.11.0 and transformers 5.17.0. A folder a case, as `llama.py` describes them: `test/golden/FAMILY/CASE`. The
case `saved` of each family has the config that transformers itself writes, with every key; `gemma3` is a whole
multimodal model, of which the text part is run.
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from llama import compute, write
from transformers import AutoConfig, AutoModelForCausalLM

SEED = 20261125

BASE = {
    "vocab_size": 48,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "rms_norm_eps": 1e-05,
    "dtype": "float32",
}
GEMMA = {**BASE, "head_dim": 6, "query_pre_attn_scalar": 5, "sliding_window": 4}
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 16}
DYNAMIC = {"rope_type": "dynamic", "rope_theta": 1000.0, "factor": 2.0}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
FULL, SLIDING = "full_attention", "sliding_attention"

# family -> base, and name -> changes of the config, lengths of the sequences
FAMILIES = {
    "mistral": (
        BASE,
        {
            "saved": ({"sliding_window": 4}, [9, 3, 14]),
            "no-window": ({"sliding_window": None, "tie_word_embeddings": True, "head_dim": 6}, [7, 1, 12]),
            # Long enough for several blocks of the fused kernel, windows that end within and at blocks.
            "blocks": ({"sliding_window": 70}, [200, 5]),
            "block-window": ({"sliding_window": 64, "num_key_value_heads": 1}, [130]),
            "yarn": ({"rope_parameters": YARN, "hidden_act": "gelu", "num_key_value_heads": 4}, [30, 11]),
        },
    ),
    "qwen2": (
        BASE,
        {
            "saved": ({"use_sliding_window": True, "sliding_window": 5, "max_window_layers": 1}, [9, 14]),
            "no-window": ({"use_sliding_window": False, "sliding_window": 3, "tie_word_embeddings": True}, [8, 8]),
            "layer-types": (
                {
                    "num_hidden_layers": 3,
                    "layer_types": [SLIDING, FULL, SLIDING],
                    "use_sliding_window": True,
                    "sliding_window": 3,
                    "num_key_value_heads": 1,
                },
                [13, 2, 6],
            ),
            "yarn": ({"head_dim": 6, "rope_parameters": YARN, "num_key_value_heads": 4}, [33]),
            "old-layout": ({"rope_theta": 1000000.0, "rope_scaling": {"type": "yarn", "factor": 2.0}}, [21, 4]),
        },
    ),
    "qwen3": (
        {**BASE, "head_dim": 6},
        {
            "saved": ({"tie_word_embeddings": True}, [10, 3]),
            "biases": ({"attention_bias": True, "num_key_value_heads": 1}, [5, 17]),
            "window": (
                {"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 1, "num_hidden_layers": 3},
                [12, 7],
            ),
            "dynamic": ({"rope_parameters": DYNAMIC, "max_position_embeddings": 16, "head_dim": 8}, [40]),
        },
    ),
    "gemma2": (
        {**GEMMA, "attn_logit_softcapping": 1.5, "final_logit_softcapping": 3.0},
        {
            "saved": ({"num_hidden_layers": 3}, [11, 4, 7]),
            "no-caps": ({"attn_logit_softcapping": None, "final_logit_softcapping": None, "num_key_value_heads": 1}, [16]),
            "scores-capped": ({"final_logit_softcapping": None, "attention_bias": True, "tie_word_embeddings": False}, [9, 9]),
            "logits-capped": (
                {
                    "attn_logit_softcapping": None,
                    "layer_types": [FULL, SLIDING],
                    "hidden_activation": "gelu",
                    "rope_parameters": {"rope_type": "linear", "rope_theta": 500.0, "factor": 3.0},
                },
                [14, 1, 6],
            ),
            "long": ({"sliding_window": 30}, [80, 3]),
        },
    ),
    "gemma3_text": (
        GEMMA,
        {
            "saved": ({"layer_types": [SLIDING, FULL], "sliding_window": 3}, [12, 5]),
            "old-layout": (
                {
                    "sliding_window_pattern": 2,
                    "num_hidden_layers": 4,
                    "rope_theta": 100000.0,
                    "rope_local_base_freq": 100.0,
                    "rope_scaling": {"rope_type": "linear", "factor": 8.0},
                },
                [20, 9],
            ),
            "untied": (
                {
                    "tie_word_embeddings": False,
                    "attention_bias": True,
                    "final_logit_softcapping": 3.0,
                    "num_key_value_heads": 1,
                },
                [6, 13],
            ),
            "ropes": (
                {
                    "layer_types": [FULL, SLIDING],
                    "sliding_window": 70,
                    "rope_parameters": {FULL: LLAMA3, SLIDING: {"rope_type": "default", "rope_theta": 50.0}},
                },
                [150],
            ),
        },
    ),
    "gemma3": (
        {
            "text_config": {**GEMMA, "layer_types": [SLIDING, FULL]},
            "vision_config": {
                "hidden_size": 8,
                "intermediate_size": 8,
                "num_hidden_layers": 1,
                "num_attention_heads": 1,
                "image_size": 8,
                "patch_size": 4,
            },
            "mm_tokens_per_image": 1,
            "boi_token_index": 45,
            "eoi_token_index": 46,
            "image_token_index": 47,
            "dtype": "float32",
        },
        {"saved": ({}, [12, 5])},
    ),
}


def randomise(model, generator):
    """Norms lie around the weight that changes nothing: 0 in Gemma's, 1 in the others'."""
    for name, parameter in model.named_parameters():
        neutral = 1.0 if name.endswith("norm.weight") and not model.config.model_type.startswith("gemma") else 0.0
        with torch.no_grad():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.25 + neutral)


class TextOnly(torch.nn.Module):
    """The text part of a multimodal model, with the names that a text model has."""

    def __init__(self, model):
        super().__init__()
        self.whole = model

    def forward(self, input_ids):
        return self.whole(input_ids=input_ids, token_type_ids=torch.zeros_like(input_ids))

    def named_parameters(self):
        for name, parameter in self.whole.named_parameters():
            if "vision_tower" not in name and "multi_modal_projector" not in name:
                yield name.replace("model.language_model.", "model."), parameter


def write_case(folder, config, lengths, generator):
    folder.mkdir(parents=True, exist_ok=True)
    parsed = AutoConfig.for_model(**json.loads(json.dumps(config)))
    model = AutoModelForCausalLM.from_config(parsed, attn_implementation="eager", dtype=torch.float32).train()
    randomise(model, generator)
    if folder.name == "saved":
        model.save_pretrained(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)
        (folder / "model.safetensors").chmod(0o644)
    else:
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    run = TextOnly(model) if config["model_type"] == "gemma3" else model
    # Not 0, the token for padding of the Gemmas: transformers gives its embedding no gradient.
    tokens = torch.randint(1, 45, (sum(lengths),), generator=generator)
    logits, loss = compute(run, tokens, lengths)
    expected = {"tokens": tokens, "offsets": torch.tensor([0, *lengths]).cumsum(0), "logits": logits, "loss": loss}
    for name, parameter in run.named_parameters():
        expected[f"grad.{name}"] = parameter.grad
    versions = {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__, "seed": str(SEED)}
    write(expected, folder / "expected.safetensors", versions)
    if folder.name != "saved":
        write({n: p.detach().clone() for n, p in model.named_parameters()}, folder / "model.safetensors", versions)


def main(out):
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(SEED)
    for family, (base, cases) in FAMILIES.items():
        for name, (change, lengths) in cases.items():
            write_case(out / family / name, {"model_type": family, **base, **change}, lengths, generator)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
