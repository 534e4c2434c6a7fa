"""Pairs of texts as transformers' tokenizers encode them, cut to several lengths.

    python tools/reference/tokenizer_pairs.py test/golden/tokenizers

Needs transformers 5.17.0 and the folders that tokenizers_golden.py wrote. Writes `pairs.json` there: for each kind of
tokenizer the files of its folder with further ones, the pairs, and for every length their ids and token types.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import transformers
from transformers import AutoTokenizer

PAIRS = [
    ["the quick brown fox", None],
    ["the quick brown fox", "jumps over the lazy dog"],
    ["we can't stop here because the road isn't finished", "no"],
    ["no", "we can't stop here because the road isn't finished"],
    ["Les élèves étaient à l'école", "où est la bibliothèque ?"],
    ["", "a b c"],
    ["a b c", ""],
    ["tokens come and tokens go, tokens come and tokens go", "weights, gradients and optimizer states"],
]
LENGTHS = [6, 9, 16, 64]
ROBERTA = {"bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>"}
KINDS = {
    "deberta": {"tokenizer_class": "DebertaV2Tokenizer"},
    "bert-uncased": {"tokenizer_class": "BertTokenizer", "do_lower_case": True},
    "gpt2": {"tokenizer_class": "RobertaTokenizer", **ROBERTA},
}


def encode(folder, name, config):
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch) / name
        shutil.copytree(folder / name, work)
        (work / "tokenizer_config.json").write_text(json.dumps(config))
        if name == "gpt2":
            add_tokens(work)
        tokenizer = AutoTokenizer.from_pretrained(work)
        rows = {}
        for length in LENGTHS:
            # As lists: a single empty second text would count as none.
            settings = dict(truncation=True, max_length=length, return_token_type_ids=True)
            encoded = [tokenizer([a], b if b is None else [b], **settings) for a, b in PAIRS]
            rows[length] = [{"ids": e["input_ids"][0], "types": e["token_type_ids"][0]} for e in encoded]
        return {"config": config, "lengths": rows}


def add_tokens(work):
    """RoBERTa's special tokens at the end of GPT-2's vocabulary."""
    path = work / "vocab.json"
    vocabulary = json.loads(path.read_text())
    for token in ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]:
        vocabulary[token] = len(vocabulary)
    path.write_text(json.dumps(vocabulary))


def main(folder):
    kinds = {name: encode(folder, name, config) for name, config in KINDS.items()}
    result = {"versions": {"transformers": transformers.__version__}, "pairs": PAIRS, "kinds": kinds}
    (folder / "pairs.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
