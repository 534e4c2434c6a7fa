"""LoRA adapters of PEFT on small random classifiers, whose heads PEFT trains and saves beside them.

    python tools/reference/peft_classifiers.py test/golden/encoders test/golden/peft-classifiers

Needs torch 2.11.0, transformers 5.17.0 and peft 0.21.2; the models are those of encoders.py. Each adapter is a folder as
`save_pretrained` writes it, with `expected.safetensors` beside its files: the `tokens`, `types` and `offsets` of the model's
case and the `logits` of the adapted model.
"""

import shutil
import sys
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from peft_lora import save
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification

SEED = 20261124
ADAPTERS = {
    "bert": ("bert-pairs", {"target_modules": ["query", "value"]}),
    "roberta": ("roberta-unequal", {"target_modules": "all-linear"}),
    "deberta": (
        "deberta-conv",
        {"target_modules": ["query_proj", "value_proj", "dense"], "modules_to_save": ["pooler"], "rank_pattern": {"query_proj": 2}},
    ),
}


def write_adapter(root, out, name, generator):
    base, options = ADAPTERS[name]
    model = AutoModelForSequenceClassification.from_pretrained(root / base)
    model = get_peft_model(model.eval(), LoraConfig(task_type="SEQ_CLS", r=3, lora_alpha=6, **options)).eval()
    for parameter_name, parameter in model.named_parameters():
        if "lora_" in parameter_name or ".modules_to_save." in parameter_name:
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.2
    save(model, out / name, base)
    case = load_file(root / base / "expected.safetensors")
    lengths = case["offsets"].diff().tolist()
    with torch.no_grad():
        parts = zip(case["tokens"].split(lengths), case["types"].split(lengths))
        logits = torch.cat([model(input_ids=ids[None], token_type_ids=types[None]).logits for ids, types in parts])
    kept = {key: case[key] for key in ("tokens", "types", "offsets")}
    save_file({**kept, "logits": logits}, out / name / "expected.safetensors", {"model": base})
    (out / name / "expected.safetensors").chmod(0o644)


def main(root, out):
    torch.set_num_threads(1)
    shutil.rmtree(out, ignore_errors=True)
    generator = torch.Generator().manual_seed(SEED)
    for name in ADAPTERS:
        write_adapter(root, out, name, generator)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
