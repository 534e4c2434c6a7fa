"""Greedy and sampled continuations of small random Llama models, from transformers.

    python tools/reference/generation.py test/golden/llama test/golden/generation.json

Needs torch 2.11.0 and transformers 5.17.0; the models are those of llama.py. Sampling takes its numbers from torch's
global generator, seeded before each case.
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import LlamaForCausalLM

NEW_TOKENS = 24
MODELS = ["gqa", "untied", "biases", "llama3-within"]
SAMPLING = [
    {"temperature": 0},
    {"temperature": 1},
    {"temperature": 0.7, "topK": 12},
    {"temperature": 1.3, "topP": 0.8},
    {"temperature": 0.9, "topK": 20, "topP": 0.5},
]


def load(root, name):
    folder = root / name
    with safe_open(folder / "expected.safetensors", "pt") as file:
        weights = (file.metadata() or {}).get("weights", name)
    config = transformers.AutoConfig.from_pretrained(folder)
    model = LlamaForCausalLM(config)
    missing, unexpected = model.load_state_dict(load_file(root / weights / "model.safetensors"), strict=False)
    assert not unexpected and all(name == "lm_head.weight" for name in missing), (missing, unexpected)
    model.tie_weights()
    return model.eval()


def continuation(model, prompt, sampling, seed):
    arguments = {"do_sample": False}
    if sampling["temperature"] > 0:
        arguments = {
            "do_sample": True,
            "temperature": float(sampling["temperature"]),
            "top_k": sampling.get("topK", 0),
            "top_p": sampling.get("topP", 1.0),
        }
    torch.manual_seed(seed)
    config = transformers.GenerationConfig(
        max_new_tokens=NEW_TOKENS, eos_token_id=None, pad_token_id=0, **arguments
    )
    inputs = torch.tensor([prompt])
    ids = model.generate(inputs, attention_mask=torch.ones_like(inputs), generation_config=config)
    return ids[0, len(prompt) :].tolist()


def main(root, out):
    torch.set_num_threads(1)
    cases = []
    for name in MODELS:
        model = load(root, name)
        model.generation_config.eos_token_id = None
        torch.manual_seed(1)
        for index, sampling in enumerate(SAMPLING):
            prompt = torch.randint(0, model.config.vocab_size, (4 + index,)).tolist()
            state = torch.get_rng_state()
            tokens = continuation(model, prompt, sampling, seed=7 + index)
            torch.set_rng_state(state)
            cases.append({"model": name, "prompt": prompt, "seed": 7 + index, **sampling, "tokens": tokens})
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    lines = ",\n".join(json.dumps(case) for case in cases)
    out.write_text('{"versions": %s, "cases": [\n%s\n]}\n' % (json.dumps(versions), lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
