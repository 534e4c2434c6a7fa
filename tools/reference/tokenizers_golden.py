"""Writes the tokenizer fixtures under test/golden/tokenizers.

    python tools/reference/tokenizers_golden.py [SHARED]

Trains one small tokenizer of each kind on made-up sentences, and writes what sentencepiece, transformers and tokenizers
make of the texts of tokenizer_texts.py. With SHARED (the folder of real data beside the repository) it also writes the
expected ids, not the vocabularies, of the real tokenizers there.
"""

import collections
import hashlib
import io
import json
import os
import random
import shutil
import sys
import tempfile

import sentencepiece as spm
import tokenizers
import transformers
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from tokenizer_texts import FIXED, LONG, random_texts

SEED = 20
RANDOM_TEXTS = 40
OUT = os.path.join(os.path.dirname(__file__), "..", "..", "test", "golden", "tokenizers")
HEADER = {
    "generator": "tools/reference/tokenizers_golden.py",
    "seed": SEED,
    "versions": {m.__name__: m.__version__ for m in (spm, tokenizers, transformers)},
}
TEXTS = FIXED + random_texts(SEED, RANDOM_TEXTS)

SENTENCES = [
    "the quick brown fox jumps over the lazy dog", "she sells sea shells on the sea shore", "how much wood would a woodchuck chuck",
    "the answer is 42, not 41", "in 1999 there were 365 days", "print(x + 1)", "for i in range(10):", "return value * 2", "Don't worry, it's fine!",
    "we can't stop here because the road isn't finished", "Les élèves étaient à l'école près du château", "où est la bibliothèque ?",
    "Die Straße führt über den Fluss", "schöne Grüße aus München", "el niño comió una manzana en la mañana", "москва большой город", "привет мир, как дела",
    "今日は天気がいいです", "これはペンです", "我爱北京", "안녕하세요 세계", "the model learns a matrix of rank one", "low rank adapters are cheap and good",
    "weights, gradients and optimizer states", "tokens come and tokens go", "HELLO WORLD AGAIN", "Ab Ba Abba BAB", "a b c d e f g h", "aa bb aaa bbb aaaa",
]


def corpus():
    rng = random.Random(SEED)
    words = " ".join(SENTENCES).split(" ")
    return SENTENCES * 20 + [" ".join(rng.choice(words) for _ in range(rng.randint(3, 12))) for _ in range(2000)]


def write(name, file, content):
    folder = os.path.join(OUT, name)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, file), "wb") as f:
        f.write(content if isinstance(content, bytes) else content.encode())


def write_json(name, file, value):
    write(name, file, json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n")


def digest(ids):
    return [len(ids), hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()]


def code_units(text, offsets):
    """Offsets in code points as offsets in UTF-16 code units."""
    starts = [0]
    for c in text:
        starts.append(starts[-1] + (2 if ord(c) > 0xFFFF else 1))
    return [[starts[a], starts[b]] for a, b in offsets]


def expect(reference, encode, decode=None, offsets=None, skip=()):
    """Ids of every text, of the long ones length and hash; decoded text (null: the text itself); offsets."""
    rows = []
    for i, text in enumerate(TEXTS):
        if i in skip:
            rows.append(None)
            continue
        row = {"ids": encode(text)}
        if decode is not None:
            decoded = decode(row["ids"])
            row["text"] = None if decoded == text else decoded
        if offsets is not None:
            row["offsets"] = sum(code_units(text, offsets(text)), [])
        rows.append(row)
    long = [digest(encode(unit * times)) for unit, times in LONG]
    return {**HEADER, "reference": reference, "leftOut": len(skip), "rows": rows, "long": long}


def train(**options):
    model = io.BytesIO()
    defaults = dict(sentence_iterator=iter(corpus()), model_writer=model, num_threads=1, minloglevel=2, character_coverage=1.0, hard_vocab_limit=False)
    spm.SentencePieceTrainer.train(**{**defaults, **options})
    proto = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
    proto.normalizer_spec.normalization_rule_tsv = ""  # a temporary path
    return proto.SerializeToString()


RULES = [("Ａ", "A"), ("Ｂ", "B"), ("Ｃ", "C"), ("ﬁ", "fi"), ("½", "1/2"), ("\u00a0", " "), ("\t", " "), ("\n", " "), ("\u200b", ""), ("™", "TM")]


def sentencepieces():
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:
        for source, target in RULES:
            rules.write(" ".join(f"{ord(c):X}" for c in source) + "\t" + " ".join(f"{ord(c):X}" for c in target) + "\n")
        rules.flush()
        yield "llama", "tokenizer.model", train(
            model_type="bpe", vocab_size=560, byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False, split_digits=True,
            allow_whitespace_only_pieces=True, control_symbols=["<|im_start|>", "<|im_end|>"], user_defined_symbols=["<tool>", "x=y"])
        yield "gemma", "tokenizer.model", train(
            model_type="bpe", vocab_size=560, byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False, add_dummy_prefix=False,
            pad_id=0, eos_id=1, bos_id=2, unk_id=3, bos_piece="<bos>", eos_piece="<eos>", user_defined_symbols=["\n", "\n\n", "▁▁", "▁▁▁▁", "<start_of_turn>"])
        yield "t5", "spiece.model", train(
            model_type="unigram", vocab_size=320, normalization_rule_tsv=rules.name, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, user_defined_symbols=["__", "http"])
        yield "deberta", "spm.model", train(
            model_type="unigram", vocab_size=560, byte_fallback=True, normalization_rule_name="identity", pad_id=0, bos_id=1, eos_id=2, unk_id=3,
            pad_piece="[PAD]", bos_piece="[CLS]", eos_piece="[SEP]", unk_piece="[UNK]")


def from_sentencepiece(model):
    sp = spm.SentencePieceProcessor(model_proto=model)
    proto = sentencepiece_model_pb2.ModelProto.FromString(model)
    fallback = proto.trainer_spec.byte_fallback
    # Control pieces written in the text are text for sentencepiece and tokens for transformers.
    written = [p.piece for p in proto.pieces if p.type in (2, 3)]
    # A text that is one user-defined piece and nothing else gets no leading space from the tokenizers library.
    defined = [p.piece for p in proto.pieces if p.type == 4 and proto.normalizer_spec.add_dummy_prefix]
    leave_out = {i for i, text in enumerate(TEXTS) if text in defined or any(w in text for w in written)}
    # sentencepiece writes unknown pieces as " ⁇ ": only models without them can be compared.
    return expect("sentencepiece", sp.encode, sp.decode if fallback else None, skip=leave_out)


def wordpiece(lower):
    """Special tokens, characters, frequent words and frequent ends of words (the library's trainer is not deterministic)."""
    normalizer = normalizers.BertNormalizer(lowercase=lower)
    pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    words = collections.Counter(word for line in corpus() for word, _ in pre_tokenizer.pre_tokenize_str(normalizer.normalize_str(line)))
    characters = sorted({c for word in words for c in word})
    ends = collections.Counter()
    for word, count in words.items():
        for start in range(1, len(word) - 1):
            ends["##" + word[start:]] += count
    frequent = lambda counter, n: [item for item, _ in sorted(counter.items(), key=lambda item: (-item[1], item[0]))[:n]]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters, *("##" + c for c in characters), *frequent(words, 100), *frequent(ends, 60)]
    return list(dict.fromkeys(vocabulary))


def byte_level(pre_tokenizer, special):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(corpus(), trainers.BpeTrainer(vocab_size=500, initial_alphabet=alphabet, special_tokens=special, show_progress=False))
    return tokenizer


def from_transformers(tokenizer):
    return expect(
        f"transformers {type(tokenizer).__name__}",
        lambda text: tokenizer.encode(text),
        lambda ids: tokenizer.decode(ids, skip_special_tokens=True),
        lambda text: tokenizer(text, return_offsets_mapping=True)["offset_mapping"],
    )


def from_tokenizers(tokenizer, decode=True):
    return expect(
        "tokenizers",
        lambda text: tokenizer.encode(text).ids,
        (lambda ids: tokenizer.decode(ids, skip_special_tokens=True)) if decode else None,
        lambda text: tokenizer.encode(text).offsets,
    )


def llama3():
    pattern = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    split = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer = byte_level(split, ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"])
    tokenizer.model.ignore_merges = True
    tokenizer.decoder = decoders.ByteLevel()
    bos = tokenizer.token_to_id("<|begin_of_text|>")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|>:1 $B:1", special_tokens=[("<|begin_of_text|>", bos)])
    return tokenizer


def made_up():
    write_json(".", "texts.json", {**HEADER, "texts": TEXTS, "long": LONG})
    for name, file, model in sentencepieces():
        write(name, file, model)
        write_json(name, "expected.json", from_sentencepiece(model))
    for name, lower in (("bert-uncased", True), ("bert-cased", False)):
        write(name, "vocab.txt", "\n".join(wordpiece(lower)) + "\n")
        write_json(name, "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "do_lower_case": lower, "clean_up_tokenization_spaces": False})
        write_json(name, "expected.json", from_transformers(transformers.BertTokenizer.from_pretrained(os.path.join(OUT, name))))
    gpt2 = byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False), ["<|endoftext|>"])
    os.makedirs(os.path.join(OUT, "gpt2"), exist_ok=True)
    gpt2.model.save(os.path.join(OUT, "gpt2"))
    write_json("gpt2", "tokenizer_config.json", {"tokenizer_class": "GPT2Tokenizer"})
    write_json("gpt2", "expected.json", from_transformers(transformers.GPT2Tokenizer.from_pretrained(os.path.join(OUT, "gpt2"))))
    tokenizer = llama3()
    write("llama3", "tokenizer.json", tokenizer.to_str())
    write_json("llama3", "expected.json", from_tokenizers(Tokenizer.from_str(tokenizer.to_str())))


def real(shared):
    data = os.path.join(shared, "data", "tokenizers")
    llama2, t5 = (open(os.path.join(data, path), "rb").read() for path in ("llama2/tokenizer.model", "t5/spiece.model"))
    write_json("shared", "llama2-model.json", from_sentencepiece(llama2))
    write_json("shared", "llama2-json.json", from_tokenizers(Tokenizer.from_file(os.path.join(data, "llama2", "tokenizer.json")), decode=False))
    write_json("shared", "t5.json", from_sentencepiece(t5))
    write_json("shared", "bert.json", from_transformers(transformers.BertTokenizer.from_pretrained(
        os.path.join(data, "bert-base-uncased"), clean_up_tokenization_spaces=True)))
    write_json("shared", "gpt2.json", from_transformers(transformers.GPT2Tokenizer.from_pretrained(os.path.join(data, "gpt2"))))


if __name__ == "__main__":
    shutil.rmtree(OUT, ignore_errors=True)
    made_up()
    if len(sys.argv) > 1:
        real(sys.argv[1])
