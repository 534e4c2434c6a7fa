"""Writes what all sides of the comparison start from, so that it is the same: a folder of a model and a LoRA adapter on all
its linear layers. The adapter's second factor is not zero, so that every gradient says something.

usage: python prepare.py OUT chat|classification MODEL_FOLDER|CONFIG_JSON

A config in place of a folder makes a Llama of random weights. A classifier gets a new head of two classes.
"""
import json
import os
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import torch
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    LlamaConfig,
    LlamaForCausalLM,
    logging,
)

logging.disable_progress_bar()
out, task, source = sys.argv[1:4]
decoder_layers = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
encoder_layers = r".*\.(query|key|value|dense)"


def load():
    if task == "classification":
        return AutoModelForSequenceClassification.from_pretrained(source, dtype=torch.float32, num_labels=2)
    if source.startswith("{"):
        return LlamaForCausalLM(LlamaConfig(**json.loads(source), tie_word_embeddings=False))
    return AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)


torch.manual_seed(0)
model = load()
model.save_pretrained(os.path.join(out, "model"))
config = dict(r=8, lora_alpha=16, lora_dropout=0.0)
if task == "chat":
    config.update(target_modules=decoder_layers, task_type="CAUSAL_LM")
else:
    config.update(target_modules=encoder_layers, task_type="SEQ_CLS", modules_to_save=["classifier"])
model = get_peft_model(model, LoraConfig(**config))
with torch.no_grad():
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.normal_(std=0.02)
model.save_pretrained(os.path.join(out, "adapter"))
