"""Loads what tools/export-parity.mjs wrote in transformers and PEFT and compares the logits with the run's own.

    python tools/reference/check_exports.py FOLDER

Needs torch, transformers and peft. Prints max|difference| / max|logit| of each folder; ends with 1 above 1e-5. Where a
method trains more than linear layers (full fine-tuning) the svd adapter is not the whole change, and is only printed.
"""

import json
import sys
from pathlib import Path

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

LIMIT = 1e-5


def load(folder, labels):
    """A classifier where there are labels: the base needs their number, a merged folder has it."""
    options = {"dtype": torch.float32, "attn_implementation": "eager"}
    if labels is None:
        return AutoModelForCausalLM.from_pretrained(folder, **options).eval()
    return AutoModelForSequenceClassification.from_pretrained(folder, num_labels=len(labels), **options).eval()


def main(folder):
    about = json.loads((folder / "about.json").read_text())
    expected = load_file(folder / "logits.safetensors")
    labels = about.get("labels")
    failed = False
    for name in ["merged", "adapter", "svd"]:
        if not (folder / name).exists():
            continue
        if name == "merged":
            model = load(folder / name, labels)
        else:
            model = PeftModel.from_pretrained(load(about["base"], labels), folder / name).eval()
        with torch.no_grad():
            logits = model(input_ids=expected["tokens"][None]).logits[0]
        error = ((logits - expected["logits"]).abs().max() / expected["logits"].abs().max()).item()
        counts = name == "merged" or about["method"] != "full"
        failed |= counts and not error <= LIMIT
        print(f"{about['method']} {name}: {error:.2e}{'' if counts else ' (linear layers only)'}")
    sys.exit(failed)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
