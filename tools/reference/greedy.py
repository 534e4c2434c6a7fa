"""Greedy continuations of a real model, from transformers, for tools/compare-generation.ts.

    python tools/reference/greedy.py MODEL_FOLDER OUT.json

Needs torch and transformers. Prompts are texts to go on with, and conversations through the model's chat template
where it has one.
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

NEW_TOKENS = 64
PROMPTS = [
    "The capital of France is",
    "def fibonacci(n):\n",
    "Once upon a time, in a village by the sea,",
    "Zwei Dinge sind unendlich:",
    "1, 2, 3, 5, 8,",
    [{"role": "user", "content": "Write one sentence about the moon."}],
    [
        {"role": "system", "content": "You answer in French."},
        {"role": "user", "content": "Good morning! How are you? 😊"},
        {"role": "assistant", "content": "Très bien, merci !"},
        {"role": "user", "content": "What is 7 times 8?"},
    ],
]


def main(folder, out):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    cases = []
    for prompt in PROMPTS:
        if not isinstance(prompt, str) and tokenizer.chat_template is None:
            continue
        if isinstance(prompt, str):
            ids = tokenizer(prompt).input_ids
        else:
            text = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
            ids = tokenizer(text, add_special_tokens=False).input_ids
        inputs = torch.tensor([ids])
        result = model.generate(inputs, attention_mask=torch.ones_like(inputs), do_sample=False, max_new_tokens=NEW_TOKENS)
        tokens = result[0, len(ids) :].tolist()
        ends = model.generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        answer = tokens[:-1] if tokens[-1] in ends else tokens
        text = tokenizer.decode([*ids, *answer], skip_special_tokens=True)
        start = tokenizer.decode(ids, skip_special_tokens=True)
        cases.append({"prompt": prompt, "ids": ids, "tokens": answer, "text": text[len(start) :]})
    facts = {"torch": torch.__version__, "transformers": transformers.__version__, "newTokens": NEW_TOKENS}
    out.write_text(json.dumps({**facts, "cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
