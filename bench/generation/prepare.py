"""Writes what both sides generate from: the model, if M is asked for, and the prompts as tokens.

usage: python prepare.py OUT MODEL|M COUNT

M is a Llama of random weights. It has no tokenizer: its prompts are the questions as Llama 2's tokenizer cuts them.
"""
import json
import os
import sys

out, model, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "prompts.json"), encoding="utf8") as file:
    known = json.load(file)


def write_m(folder):
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=32000,
        hidden_size=512,
        num_hidden_layers=8,
        num_attention_heads=8,
        num_key_value_heads=4,
        intermediate_size=1376,
        max_position_embeddings=2048,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
        tie_word_embeddings=False,
    )
    LlamaForCausalLM(config).save_pretrained(folder)


def tokens_of(folder):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    return [tokenizer.encode(question).ids for question in known["questions"]]


if model == "M":
    folder, prompts = os.path.join(out, "M"), known["llama2"]
    write_m(folder)
else:
    folder, prompts = model, tokens_of(model)
with open(os.path.join(out, "prompts.json"), "w", encoding="utf8") as file:
    json.dump(dict(folder=folder, prompts=prompts[:count]), file)
