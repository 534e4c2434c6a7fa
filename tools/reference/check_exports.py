"""Loads what tools/export-parity.ts wrote in transformers and PEFT and compares the logits with the run's own.

    python tools/reference/check_exports.py FOLDER…

Needs torch, transformers and peft; for runs on a base in NF4 bitsandbytes and accelerate, too. Prints
max|difference| / max|logit| of each folder, and of the base alone: what a folder that did nothing would show. Ends with 1
where a folder is above 1e-5. Where a method trains more than linear layers (full fine-tuning) the svd adapter is not the
whole change, and is only printed.
"""

import json
import sys
from pathlib import Path

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, BitsAndBytesConfig

LIMIT = 1e-5
NF4 = {
    "load_in_4bit": True,
    "bnb_4bit_quant_type": "nf4",
    "bnb_4bit_use_double_quant": True,
    "bnb_4bit_compute_dtype": torch.float32,
}


def load(folder, labels, nf4=False):
    """A classifier where there are labels: the base needs their number, a merged folder has it."""
    options = {"dtype": torch.float32, "attn_implementation": "eager"}
    if nf4:
        options |= {"quantization_config": BitsAndBytesConfig(**NF4), "device_map": "cpu"}
    if labels is None:
        model = AutoModelForCausalLM.from_pretrained(folder, **options)
    else:
        model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=len(labels), **options)
    for module in model.modules():
        # On CPUs that have them bitsandbytes multiplies in bfloat16 whatever the precision of the computation.
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
    return model.eval()


def models(folder, about):
    """The base and what was exported, by name, one at a time."""
    def base():
        return load(about["base"], about.get("labels"), about["nf4"])

    yield "base", base()
    for name in about["exported"]:
        if name == "merged":
            yield name, load(folder / name, about.get("labels"))
        else:
            yield name, PeftModel.from_pretrained(base(), folder / name).eval()


def check(folder):
    """Prints the differences of a run's folders. @returns whether all that count are small"""
    about = json.loads((folder / "about.json").read_text())
    expected = load_file(folder / "logits.safetensors")
    good = True
    cells = []
    for name, model in models(folder, about):
        with torch.no_grad():
            logits = model(input_ids=expected["tokens"][None]).logits[0]
        error = ((logits - expected["logits"]).abs().max() / expected["logits"].abs().max()).item()
        is_part = name == "svd" and about["method"] == "full"
        # A base that computes the same would show nothing.
        good &= error > 100 * LIMIT if name == "base" else is_part or error <= LIMIT
        cells.append(f"{name} {error:.1e}{' (linear layers only)' if is_part else ''}")
    print(f"{folder.name} ({about['method']}{', NF4' if about['nf4'] else ''}): {', '.join(cells)}", flush=True)
    return good


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: check_exports.py FOLDER…")
    sys.exit(not all([check(Path(folder)) for folder in sys.argv[1:]]))
