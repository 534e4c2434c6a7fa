"""Hidden states of a real encoder, from transformers, for tools/compare-encoder.ts.

    python tools/reference/encoder_hidden.py MODEL_FOLDER OUT.safetensors

Needs torch and transformers. Writes the texts (metadata), their `tokens`, `types` and `offsets`, and `hidden` [T, hidden],
every text run alone in fp32.
"""

import json
import sys

import torch
from safetensors.torch import save_file
from transformers import AutoModel, AutoTokenizer

TEXTS = [
    ["The quick brown fox jumps over the lazy dog.", None],
    ["A man is eating food.", "A man is eating a piece of bread."],
    ["No.", None],
    ["Les élèves étaient à l'école; 今日は天気がいい 🙂", "how are you"],
    ["Low-rank adapters are cheap and good. " * 40, None],
    ["", None],
    ["What is the capital of France?", "Paris is the capital and most populous city of France. " * 20],
]


def main(folder, out):
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    rows = [tokenizer(a, b, truncation=True, max_length=512) for a, b in TEXTS]
    with torch.no_grad():
        inputs = [{key: torch.tensor([value]) for key, value in row.items()} for row in rows]
        hidden = torch.cat([model(**each).last_hidden_state[0] for each in inputs])
    flat = lambda key: torch.tensor([value for row in rows for value in row[key]])
    offsets = torch.tensor([0] + [len(row["input_ids"]) for row in rows]).cumsum(0)
    tensors = {"tokens": flat("input_ids"), "types": flat("token_type_ids"), "offsets": offsets, "hidden": hidden}
    save_file(tensors, out, {"texts": json.dumps(TEXTS)})


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
