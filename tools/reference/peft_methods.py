"""Adapters of PEFT's methods on a small random Llama, for the tests of parity.

    python tools/reference/peft_methods.py test/golden/llama test/golden/peft-methods

Needs torch 2.11.0, transformers 5.17.0 and peft 0.21.2; the model is `untied` of llama.py. Each folder is as
`save_pretrained` writes it with random trained values (LoRA-GA and PiSSA: their start plus random numbers), with
`expected.safetensors` beside its files: `tokens` (one sequence), `logits`, the gradient of mean(logits²) for every stored
tensor (`grad.NAME`) and the merged weight of every layer (`merged.PATH`). Of LoRA-GA and PiSSA also the start,
`start.NAME`: their folders do not hold what the start took from the base.
"""

import shutil
import sys
from pathlib import Path

import torch
from peft import FourierFTConfig, HiraConfig, LoraConfig, LoraGAConfig, get_peft_model
from peft.tuners.lora import preprocess_loraga
from safetensors.torch import load_file, save_file

from peft_lora import base_model, save

SEED = 20261124
BASE = "untied"
TARGETS = ["q_proj", "down_proj"]
PATTERN = {"model.layers.1.self_attn.q_proj": 3}


def configs():
    common = {"task_type": "CAUSAL_LM", "target_modules": TARGETS}
    return {
        "dora": LoraConfig(r=4, lora_alpha=6, use_dora=True, rank_pattern=PATTERN, **common),
        "hira": HiraConfig(r=4, **common),
        "fourierft": FourierFTConfig(n_frequency=50, scaling=150.0, n_frequency_pattern={"down_proj": 70}, **common),
        "pissa": LoraConfig(r=4, lora_alpha=6, init_lora_weights="pissa", **common),
        # 4r is the width of the layers, so that PEFT's randomised decomposition is exact.
        "lora-ga": LoraConfig(
            r=8, lora_alpha=16, use_rslora=True, init_lora_weights="lora_ga", lora_ga_config=LoraGAConfig(), **common
        ),
        # Last: all cases draw from one generator.
        "lora": LoraConfig(r=4, lora_alpha=6, rank_pattern=PATTERN, alpha_pattern={"down_proj": 5}, **common),
    }


def objective(model, tokens):
    logits = model(input_ids=tokens[None]).logits[0]
    return logits, logits.square().mean()


def stored_name(parameter_name):
    """The name in the folder, without PEFT's prefix."""
    return parameter_name.removeprefix("base_model.model.").replace(".default", "")


def move(model, generator):
    """Random numbers in the size of what is trained; lengths of rows move by a part of themselves."""
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        noise = torch.randn(parameter.shape, generator=generator)
        start = parameter.data if "magnitude" not in name else parameter.data * (1 + 0.2 * noise)
        parameter.data = start if "magnitude" in name else start + 0.1 * noise


def trained(model):
    return {stored_name(name): parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def write(root, out, name, config, generator):
    torch.manual_seed(SEED)
    base = base_model(root, BASE)
    tokens = torch.randint(0, base.config.vocab_size, (24,), generator=generator)
    if name == "lora-ga":
        preprocess_loraga(base, config, lambda: objective(base, tokens)[1].backward())
        base.eval()
    model = get_peft_model(base, config).eval()
    has_start = name in ("pissa", "lora-ga")
    start = {f"start.{key}": value.detach().clone() for key, value in trained(model).items() if has_start}
    move(model, generator)
    save(model, out / name, BASE)
    logits, loss = objective(model, tokens)
    loss.backward()
    gradients = {f"grad.{key}": value.grad for key, value in trained(model).items()}
    logits = logits.detach()
    merged = model.merge_and_unload()
    weights = {
        f"merged.{key.removesuffix('.weight')}": value.detach()
        for key, value in merged.named_parameters()
        if key.split(".")[-2] in TARGETS
    }
    tensors = {"tokens": tokens, "logits": logits, **start, **gradients, **weights}
    path = out / name / "expected.safetensors"
    save_file({key: value.contiguous() for key, value in tensors.items()}, path, {"model": BASE})
    path.chmod(0o644)
    for key in load_file(out / name / "adapter_model.safetensors"):
        assert f"grad.{stored_name(key)}" in gradients or "magnitude" in key, key


def main(root, out):
    torch.set_num_threads(1)
    shutil.rmtree(out, ignore_errors=True)
    generator = torch.Generator().manual_seed(SEED)
    for name, config in configs().items():
        write(root, out, name, config, generator)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
