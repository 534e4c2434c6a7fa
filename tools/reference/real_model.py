"""What transformers computes with a real model folder, for `tools/compare-model.ts`.

    python tools/reference/real_model.py MODEL_FOLDER OUT.safetensors [--tokens 192] [--text FILE] [--new 64]

Two sequences of unequal length from a text, run alone, fp32, eager attention: logits, summed next-token loss,
the gradient of every parameter; and the greedy continuation of a chat prompt.
"""

import argparse
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

TEXT = """The lighthouse keeper climbed the stairs every evening, counting each of the two hundred and twelve steps,
and every evening he arrived at a different number. At first he blamed his memory. Then, one autumn, he began to write
the numbers down, and found that they were the digits of a number he had once known by heart: 3.14159265358979.

def mean(values):
    return sum(values) / len(values)

In 1687 Newton published the Principia; it took the rest of the world a century to read it. Water boils at 100 degrees
Celsius at sea level, and at about 71 on top of Mount Everest, which is why tea tastes so bad up there."""


def compute(model, ids, lengths):
    logits, loss = [], 0.0
    for part in ids.split(lengths):
        out = model(input_ids=part[None]).logits[0]
        logits.append(out.detach())
        loss = loss + torch.nn.functional.cross_entropy(out[:-1], part[1:], reduction="sum")
    loss.backward()
    result = {"logits": torch.cat(logits), "loss": loss.detach()}
    for name, parameter in model.named_parameters():
        result[f"grad.{name}"] = parameter.grad
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("out")
    parser.add_argument("--tokens", type=int, default=192)
    parser.add_argument("--text", type=Path, help="a file to take the tokens from, for long sequences")
    parser.add_argument("--new", type=int, default=64)
    options = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(options.folder)
    text = TEXT if options.text is None else options.text.read_text()[: 20 * options.tokens]
    ids = tokenizer(text, return_tensors="pt").input_ids[0][: options.tokens]
    lengths = [len(ids) * 2 // 3, len(ids) - len(ids) * 2 // 3]
    model = AutoModelForCausalLM.from_pretrained(options.folder, dtype=torch.float32, attn_implementation="eager")
    result = compute(model, ids, lengths)
    result["tokens"], result["offsets"] = ids, torch.tensor([0, *lengths]).cumsum(0)
    prompt, is_chat = "Once upon a time", tokenizer.chat_template is not None
    if is_chat:
        messages = [{"role": "user", "content": "Why is the sky blue? Answer in two sentences."}]
        prompt = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    start = tokenizer(prompt, return_tensors="pt", add_special_tokens=not is_chat).input_ids
    with torch.no_grad():
        answer = model.generate(start, max_new_tokens=options.new, do_sample=False)[0]
    result["prompt"], result["answer"] = start[0], answer[start.shape[1] :]
    print(tokenizer.decode(result["answer"]))
    versions = {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__}
    save_file({name: tensor.contiguous() for name, tensor in result.items()}, options.out, versions)


main()
