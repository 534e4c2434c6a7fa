"""The loss of a real model on a text, from transformers, to compare with `scalora eval MODEL --data FILE.txt`.

    python tools/reference/text_loss.py MODEL_FOLDER FILE.txt --max-length 600

Needs torch and transformers. The text is cut into windows as scalora cuts it: each begins with the token that begins
texts, where the tokenizer has one (else with the last token of the window before), and the text ends with the end token.
Prints the mean cross entropy of a token in nats, fp32, eager attention.
"""

import argparse
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def windows(ids, bos, width):
    start = 0 if bos is not None else 1
    while start < len(ids):
        before = [bos] if bos is not None else [ids[start - 1]]
        yield before + ids[start : start + width - 1]
        start += width - 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("text", type=Path)
    parser.add_argument("--max-length", type=int, required=True)
    options = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(options.folder)
    ids = tokenizer(options.text.read_text()).input_ids
    bos = ids.pop(0) if ids[0] == tokenizer.bos_token_id else None
    if tokenizer.eos_token_id is not None and ids[-1] != tokenizer.eos_token_id:
        ids.append(tokenizer.eos_token_id)
    model = AutoModelForCausalLM.from_pretrained(options.folder, dtype=torch.float32, attn_implementation="eager").eval()
    total, count = 0.0, 0
    for window in windows(ids, bos, options.max_length):
        tokens = torch.tensor(window)
        with torch.no_grad():
            logits = model(input_ids=tokens[None]).logits[0, :-1]
        total += torch.nn.functional.cross_entropy(logits, tokens[1:], reduction="sum").item()
        count += len(window) - 1
    print(f"{count} tokens, loss {total / count:.6f}")


if __name__ == "__main__":
    main()
