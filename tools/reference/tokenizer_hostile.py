"""What the Python tokenizers make of thousands of hostile texts.

    python tools/reference/tokenizer_hostile.py golden SHARED      writes test/golden/tokenizers/hostile
    python tools/reference/tokenizer_hostile.py MODEL_FOLDER OUT   writes one folder's reference for tools/compare-tokenizer.ts

`golden` writes the texts of tokenizer_texts.py once and, for the small tokenizers beside them and the real ones of SHARED
(the folder of real data beside the repository), four bytes of SHA-256 a text of its ids and offsets. A folder with a
SentencePiece model alone is encoded by sentencepiece, all others by transformers (Llama's `tokenizer.json` by tokenizers,
as it stands there). Offsets are UTF-16 code units.

sentencepiece gives a token only where its normalised text starts. Its offsets are therefore those of the characters of
the input that the token's normalised characters came from, and spaces and format characters at their ends are left out
on both sides (`trimmed`), since libraries count them to different tokens; -1 where nothing else is left.
"""

import base64
import bisect
import gzip
import hashlib
import json
import os
import shutil
import sys
import tempfile
import unicodedata

import sentencepiece as spm
import tokenizers
import transformers
from sentencepiece import sentencepiece_model_pb2
from transformers import AutoTokenizer

from tokenizer_texts import LONG, hostile_texts

SEED = 52
COUNT = 2200
GOLDEN = os.path.join(os.path.dirname(__file__), "..", "..", "test", "golden", "tokenizers")
HEADER = {
    "generator": "tools/reference/tokenizer_hostile.py",
    "seed": SEED,
    "versions": {m.__name__: m.__version__ for m in (spm, tokenizers, transformers)},
}
SHORT = hostile_texts(SEED, COUNT)
TEXTS = SHORT + [unit * times for unit, times in LONG]
MODELS = ("tokenizer.model", "spm.model", "spiece.model")


def code_units(text):
    """For every code point of the text, and its end, the offset in UTF-16 code units."""
    starts = [0]
    for c in text:
        starts.append(starts[-1] + (2 if ord(c) > 0xFFFF else 1))
    return starts


def is_edge(c):
    return c in "▁\ufffd" or c.isspace() or unicodedata.category(c) in ("Zs", "Zl", "Zp", "Cc", "Cf")


def trimmed(text, start, end):
    while start < end and is_edge(text[start]):
        start += 1
    while start < end and is_edge(text[end - 1]):
        end -= 1
    return (start, end) if start < end else (-1, -1)


def has_made_space(text):
    """Whether a space and one that a character such as U+309B becomes meet: the one that is left could be either."""
    return any(c.isspace() and not d.isspace() and unicodedata.normalize("NFKC", d)[0] == " " for c, d in zip(text, text[1:]))


class SentencePiece:
    """ids and trimmed offsets of the sentencepiece library."""

    def __init__(self, path):
        self.processor = spm.SentencePieceProcessor(model_file=path)
        proto = sentencepiece_model_pb2.ModelProto.FromString(open(path, "rb").read())
        # Control pieces written in the text are text for sentencepiece and tokens for transformers.
        self.written = [p.piece for p in proto.pieces if p.type in (2, 3)]
        # A text that is one user-defined piece and nothing else gets no leading space from the tokenizers library.
        self.prefixes = proto.normalizer_spec.add_dummy_prefix
        self.defined = {p.piece for p in proto.pieces if p.type == 4 and self.prefixes}
        self.name = "sentencepiece"

    def leaves_out(self, text):
        return text in self.defined or any(piece in text for piece in self.written) or has_made_space(text)

    def encode(self, text):
        pieces = self.processor.encode(text, return_type="proto").pieces
        normal, sources = self.processor.normalize(text, with_offsets=True)
        ends = sorted({*sources, len(text)})
        # The space that every text starts with comes from nowhere.
        made_up = 1 if self.prefixes and len(normal) > 0 else 0
        offsets, at, rest = [], 0, 0
        for piece in pieces:
            is_byte = self.processor.is_byte(piece.id)
            first = at
            if is_byte and rest == 0:
                rest = len(normal[at].encode())
            rest -= is_byte
            at += 0 if is_byte and rest > 0 else 1 if is_byte else len(piece.piece)
            if max(first, at - 1) < made_up:
                offsets.append((-1, -1))
                continue
            start, last = sources[max(first, made_up)], sources[max(first, at - 1)]
            offsets.append(trimmed(text, start, ends[min(bisect.bisect_right(ends, last), len(ends) - 1)]))
        assert at == len(normal), (text, normal)
        return [piece.id for piece in pieces], offsets


class Transformers:
    """ids and offsets of a transformers tokenizer."""

    def __init__(self, folder):
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.name = f"transformers {type(self.tokenizer).__name__}"

    def leaves_out(self, text):
        return False

    def encode(self, text):
        encoding = self.tokenizer(text, return_offsets_mapping=True)
        return encoding["input_ids"], encoding["offset_mapping"]


class Tokenizers:
    """ids and offsets of a tokenizer.json as it stands there."""

    def __init__(self, folder):
        self.tokenizer = tokenizers.Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        self.name = "tokenizers"

    def leaves_out(self, text):
        return False

    def encode(self, text):
        encoding = self.tokenizer.encode(text)
        return encoding.ids, encoding.offsets


def reference(folder):
    if os.path.exists(os.path.join(folder, "tokenizer.json")):
        # transformers 5 makes Llama's tokenizer from its vocabulary, whatever the file says about spaces.
        encoder = Transformers(folder)
        return Tokenizers(folder) if "LlamaTokenizer" in encoder.name else encoder
    model = next((path for path in (os.path.join(folder, name) for name in MODELS) if os.path.exists(path)), None)
    return Transformers(folder) if model is None else SentencePiece(model)


def rows(encoder):
    """For every text ids and offsets, one after another, or None where the two libraries mean different things."""
    for text in TEXTS:
        if encoder.leaves_out(text):
            yield None
            continue
        ids, offsets = encoder.encode(text)
        units = code_units(text)
        yield ids, [-1 if at < 0 else units[at] for pair in offsets for at in pair]


def digest(row):
    if row is None:
        return bytes(4)
    return hashlib.sha256(";".join(",".join(map(str, part)) for part in row).encode()).digest()[:4]


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(content)


def golden(shared):
    data = os.path.join(shared, "data", "tokenizers")
    kinds = {name: os.path.join(GOLDEN, name) for name in ("bert-cased", "bert-uncased", "deberta", "gemma", "gpt2", "llama", "llama3", "t5")}
    kinds |= {f"real {name}": os.path.join(data, name) for name in ("bert-base-uncased", "gpt2", "llama2", "t5")}
    result = {}
    with tempfile.TemporaryDirectory() as scratch:
        # Of the folders that have nothing but the files, what kind they are.
        classes = {"real bert-base-uncased": "BertTokenizer", "real gpt2": "GPT2Tokenizer"}
        for name, tokenizer_class in classes.items():
            kinds[name] = shutil.copytree(kinds[name], os.path.join(scratch, name))
            with open(os.path.join(kinds[name], "tokenizer_config.json"), "w") as f:
                json.dump({"tokenizer_class": tokenizer_class}, f)
        kinds["real llama2, its tokenizer.model"] = shutil.copytree(kinds["real llama2"], os.path.join(scratch, "model"), ignore=shutil.ignore_patterns("tokenizer.json"))
        for name, folder in kinds.items():
            encoder = reference(folder)
            found = list(rows(encoder))
            left_out = sum(row is None for row in found)
            print(f"{name}: {encoder.name}, {len(found) - left_out} texts, {left_out} left out")
            result[name] = {"reference": encoder.name, "digests": base64.b64encode(b"".join(map(digest, found))).decode()}
    texts = {**HEADER, "texts": SHORT, "long": LONG}
    write(os.path.join(GOLDEN, "hostile", "texts.json.gz"), gzip.compress(json.dumps(texts).encode(), mtime=0))
    write(os.path.join(GOLDEN, "hostile", "expected.json"), (json.dumps({**HEADER, "kinds": result}, indent=1) + "\n").encode())


def one(folder, out):
    encoder = reference(folder)
    found = [None if row is None else {"ids": row[0], "offsets": row[1]} for row in rows(encoder)]
    trims = isinstance(encoder, SentencePiece)
    write(out, json.dumps({**HEADER, "reference": encoder.name, "trimmed": trims, "texts": TEXTS, "rows": found}).encode())


if __name__ == "__main__":
    if sys.argv[1] == "golden":
        golden(sys.argv[2])
    else:
        one(*sys.argv[1:])
