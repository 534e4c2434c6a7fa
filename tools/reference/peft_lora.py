"""LoRA adapters and a LoRA training run of PEFT on small random Llama models, for the tests of parity.

    python tools/reference/peft_lora.py test/golden/llama test/golden/peft

Needs torch 2.11.0, transformers 5.17.0 and peft 0.21.2; the models are those of llama.py. Each adapter is a folder as
`save_pretrained` writes it, with `expected.safetensors` beside its files: `tokens` (one sequence) and the `logits` of the
adapted model. `run` holds the adapter that the run starts from, `run.json` with its batches, learning rates and the loss
of each step before it, and `end`, the adapter after the last step. `decayed` is the same run with weight decay, in the
parameter groups of transformers' Trainer; `python tools/reference/peft_lora.py test/golden/llama test/golden/peft decayed`
writes it alone, from what `run` holds.
"""

import json
import shutil
import sys
from pathlib import Path

import peft
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, LlamaForCausalLM, Trainer

SEED = 20261124
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
ADAPTERS = {
    "plain": ("gqa", {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj", "down_proj"]}),
    "patterns": (
        "untied",
        {
            "r": 4,
            "lora_alpha": 6,
            "target_modules": "all-linear",
            "rank_pattern": {"down_proj": 2, "model.layers.1.self_attn.q_proj": 7},
            "alpha_pattern": {"down_proj": 5, "layers.1.self_attn.q_proj": 3},
        },
    ),
    "rslora": ("biases", {"r": 3, "lora_alpha": 4, "use_rslora": True, "target_modules": ATTENTION}),
}
STEPS = 30
PEAK = 5e-3
WARMUP = 3
CLIP = 1.0
DECAY = 1.0


def base_model(root, name):
    model = LlamaForCausalLM(AutoConfig.from_pretrained(root / name))
    model.load_state_dict(load_file(root / name / "model.safetensors"), strict=False)
    model.tie_weights()
    return model.eval()


def adapted(root, name, options, generator):
    """A PEFT model whose factors are both random."""
    model = get_peft_model(base_model(root, name), LoraConfig(task_type="CAUSAL_LM", **options))
    for parameter_name, parameter in model.named_parameters():
        if "lora_" in parameter_name:
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.1
    return model


def save(model, folder, base):
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text())
    config["base_model_name_or_path"] = base
    for key, value in config.items():
        if isinstance(value, list):
            config[key] = sorted(value)
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def write_adapter(root, out, name, generator):
    base, options = ADAPTERS[name]
    model = adapted(root, base, options, generator)
    save(model, out / name, base)
    tokens = torch.randint(0, model.config.vocab_size, (20,), generator=generator)
    with torch.no_grad():
        logits = model(input_ids=tokens[None]).logits[0]
    save_file({"tokens": tokens, "logits": logits}, out / name / "expected.safetensors", {"model": base})
    (out / name / "expected.safetensors").chmod(0o644)


def learning_rate(step):
    """Linear warm-up to the peak, then linear to 0; steps count from 1."""
    if step <= WARMUP:
        return PEAK * step / (WARMUP + 1)
    return PEAK * (1 - (step - 1 - WARMUP) / (STEPS - WARMUP))


def make_batches(vocabulary, generator):
    """Three rows of unequal length a batch; the first tokens of each row are no labels."""
    batches = []
    for _ in range(STEPS):
        lengths = torch.randint(4, 14, (3,), generator=generator).tolist()
        rows = [torch.randint(0, vocabulary, (length,), generator=generator).tolist() for length in lengths]
        masked = torch.randint(1, 4, (3,), generator=generator).tolist()
        batches.append([{"ids": ids, "masked": count} for ids, count in zip(rows, masked)])
    return batches


def padded(batch):
    longest = max(len(row["ids"]) for row in batch)
    fill = lambda values, value: values + [value] * (longest - len(values))
    ids = torch.tensor([fill(row["ids"], 0) for row in batch])
    mask = torch.tensor([fill([1] * len(row["ids"]), 0) for row in batch])
    labels = torch.tensor([fill([-100] * row["masked"] + row["ids"][row["masked"] :], -100) for row in batch])
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def write_run(root, out, generator):
    options = {"r": 4, "lora_alpha": 8, "target_modules": [*ATTENTION, "up_proj", "gate_proj", "down_proj"]}
    torch.manual_seed(SEED)
    model = get_peft_model(base_model(root, "untied"), LoraConfig(task_type="CAUSAL_LM", **options))
    save(model, out / "run", "untied")
    batches = make_batches(model.config.vocab_size, generator)
    losses, norms = train(model, batches, [{"params": trained(model).values(), "weight_decay": 0.0}])
    save(model, out / "run" / "end", "untied")
    facts = {"steps": STEPS, "lr": PEAK, "warmup": WARMUP, "clip": CLIP, "losses": losses, "gradNorms": norms}
    versions = {"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__}
    lines = ",\n".join(json.dumps(batch) for batch in batches)
    header = json.dumps({"versions": versions, "seed": SEED, "model": "untied", **facts})
    (out / "run" / "run.json").write_text(f'{header[:-1]}, "batches": [\n{lines}\n]}}\n')


def write_decayed(root, out):
    """The run again, from its start, with weight decay."""
    run = json.loads((out / "run" / "run.json").read_text())
    model = PeftModel.from_pretrained(base_model(root, "untied"), out / "run", is_trainable=True)
    decays = Trainer.get_decay_parameter_names(None, model)
    groups = [
        {"params": [p for name, p in trained(model).items() if name in decays], "weight_decay": DECAY},
        {"params": [p for name, p in trained(model).items() if name not in decays], "weight_decay": 0.0},
    ]
    losses, norms = train(model, run["batches"], groups)
    save(model, out / "run" / "decayed", "untied")
    facts = {"weightDecay": DECAY, "losses": losses, "gradNorms": norms}
    (out / "run" / "decayed" / "run.json").write_text(json.dumps(facts) + "\n")


def trained(model):
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def train(model, batches, groups):
    """Losses and gradient norms of AdamW's steps."""
    parameters = list(trained(model).values())
    optimizer = torch.optim.AdamW(groups, lr=PEAK, betas=(0.9, 0.999), eps=1e-8)
    model.train()
    losses, norms = [], []
    for step, batch in enumerate(batches, 1):
        loss = model(**padded(batch)).loss
        optimizer.zero_grad()
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(parameters, CLIP).item())
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step)
        optimizer.step()
        losses.append(loss.item())
    return losses, norms


def main(root, out):
    shutil.rmtree(out, ignore_errors=True)
    generator = torch.Generator().manual_seed(SEED)
    for name in ADAPTERS:
        write_adapter(root, out, name, generator)
    write_run(root, out, generator)
    write_decayed(root, out)


if __name__ == "__main__":
    torch.set_num_threads(1)
    (write_decayed if sys.argv[3:] == ["decayed"] else main)(Path(sys.argv[1]), Path(sys.argv[2]))
