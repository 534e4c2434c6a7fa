"""Hostile texts for the tokenizer fixtures: fixed ones and random ones of a seed."""

import random
import unicodedata

FIXED = [
    "", " ", "  ", "   a", "a   ", " a  b   c ", "\t", "\n", "a\nb", "a\r\nb", "\n\n\n x", "a\tb\t\tc", "\u00a0a\u00a0", "\u3000x\u3000y",
    "Hello, world!", "hello world", "HELLO WORLD", "don't I'm we've they're you'll he'd it's", "'S 'T 'RE", "a.b.c", "...", "?!?!", "-", "--", "——",
    "1", "12", "123", "1234567890", "3.14159", "1,000,000", "0x1F", "x=y+z", "a_b_c", "__init__", "def f(x):\n    return x ** 2\n", "<html><body>&amp;</body></html>",
    "{\"a\": [1, 2, null]}", "http://example.org/a?b=c&d=%20", "C:\\path\\file", "$\\frac{a}{b}$",
    "é", "e\u0301", "ÀÉÎÕÜ", "naïve café", "ß", "ẞ", "ŒŠŽ", "ǅ", "İ", "ı", "ﬁ", "ﬀ", "½", "①", "ＡＢＣ", "ｱｲｳ", "㎏", "Ⅻ", "ª", "™",
    "한국어", "ㅎㅏㄴ", "\u1112\u1161\u11ab", "日本語テキスト", "中文字符", "汉字 and English", "が", "か\u3099", "ไทย", "हिन्दी", "العربية", "עברית", "Ελληνικά", "Русский", "Հայերեն", "ქართული", "አማርኛ",
    "👍", "👍🏽", "👨‍👩‍👧‍👦", "🇩🇪🇫🇷", "😀😃😄", "a👍b", "✌️", "☃", "\U0001f1e6", "\U00020000", "\U0010ffff", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "𝟘𝟙𝟚",
    "\u0000", "a\u0000b", "\u0001\u0002\u0003", "\u001b[31mred\u001b[0m", "\u007f", "\u0085", "\u00ad", "\u200b", "a\u200bb", "\u200d", "\u200e\u200f", "\u2028\u2029", "\u2060", "\ufeff", "\ufeffa", "\ufffd", "\ufffe", "\uffff", "\ue000",
    "a\u0300\u0301\u0302\u0303b", "Z\u0351\u036b\u0343a\u0363\u035al\u0358g\u0325o", "\u0301", "\u0301a", "q\u0323\u0307", "q\u0307\u0323",
    "▁", "▁▁", "▁a", "a▁b", "a ▁ b", "a▁", "Ġ", "Ġa", "##a", "a##b", "<0x41>", "<0x0A>", "<0xFF>", "<0x", "<unk", "[MASK", "< s >", "</ s>", "<S>",
    "<s>", "<s>a</s>", "a <s> b", "</s></s>", "<unk>", "a<pad>b", "[CLS] a [SEP]", "a[MASK]b", "[UNK]", "<|endoftext|>a<|endoftext|>", "x <|eot_id|> y", "<|begin_of_text|>", "<|im_start|>user\nhi<|im_end|>",
    "<tool>", "a<tool>b", " <tool> ", "x=y", "ax=yb", "<start_of_turn>user\nhi", "a  b   c    d     e", "\n\n\n\n", "_ __ ___", "http://a", "xhttpx",
    "antidisestablishmentarianism", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "abababababababababab", "                    ", "\n" * 20, "\t" * 9, " \n \n ", "!" * 30, "=" * 65, "0" * 40, "ab" * 60,
]

POOLS = [
    "abcdefghijklmnopqrstuvwxyz", "ABCXYZ", "0123456789", "    ", "\n\t\r\u00a0\u3000\u2009", ".,;:!?'\"()[]{}<>-_/\\|@#$%^&*~`+=",
    "éèêëàâäîïôöûüçñßåøæœ", "\u0300\u0301\u0302\u0303\u0308\u0323\u0327", "абвгдеёжзийклмнопрстуфхцчшщъыьэюя", "αβγδεζηθικλμνξοπρστυφχψω",
    "漢字仮名交文日本中国人大小山川", "あいうえおかきくけこがぎぐ゛", "アイウエオｱｲｳﾞ", "가나다라마바사한국어", "ابتثجحخد\u064e\u0651", "אבגדהו", "कखगघ\u093e\u093f\u094d", "กขคง\u0e48\u0e34",
    "😀👍🎉🚀❤✌", "\U0001f3fb\U0001f3fd\u200d\ufe0f", "ﬁﬂ①②½ＡＢｃ㎏™℃", "\u0000\u0007\u001b\u007f\u0085\u200b\u200e\u2028\ufeff\ufffd", "▁Ġ#", "𝔘𝔫𝟘\U00020000\U0010fffd",
]


def random_texts(seed, count):
    """Texts of up to 40 characters from one to four kinds of characters."""
    rng = random.Random(seed)
    texts = []
    for _ in range(count):
        pools = rng.sample(POOLS, rng.randint(1, 4))
        texts.append("".join(rng.choice(rng.choice(pools)) for _ in range(rng.randint(1, 40))))
    return texts


# Long ones are given as a unit and a number of times.
LONG = [("a", 20_000), (" ", 10_000), ("word ", 4_000), ("é漢👍 ", 2_000), ("\n", 4_000), ("ab1.", 5_000), ("\u0301", 2_000), ("👍🏽", 2_000)]

SPECIAL = [
    "<s>", "</s>", "<unk>", "<pad>", "<mask>", "<bos>", "<eos>", "[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]", "<|endoftext|>", "<|im_start|>", "<|im_end|>",
    "<start_of_turn>", "<end_of_turn>", "<|begin_of_text|>", "<|eot_id|>", "<extra_id_0>", "<unused7>", "<image_soft_token>", "<tool>", "x=y", "http", "__", "<0x41>", "<0xC3>", "<repo_name>",
]
SPACES = [" ", "  ", "   ", "\t", "\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1f", "\x85", "\xa0", "\u1680", "\u2000", "\u2003", "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\u180e", "\u200b", "▁"]
EDGES = [0x7F, 0x80, 0xFF, 0x100, 0x2FF, 0x300, 0x7FF, 0x800, 0xD7FE, 0xD7FF, 0xE000, 0xE001, 0xF8FF, 0xFDD0, 0xFDEF, 0xFEFF, 0xFFF9, 0xFFFC, 0xFFFD, 0xFFFE, 0xFFFF, 0x10000, 0x10FFF, 0x1D173, 0x1FFFE, 0x1FFFF, 0x20000, 0x2FA1D, 0xE0001, 0xE0100, 0xF0000, 0xFFFFD, 0x10FFFE, 0x10FFFF]
EMOJI = "😀👍👩👨👧👦❤🏳🏴🐻🧑🤝🎄✊🦰🌈⚧☠1#"
JOINERS = ["\u200d", "\ufe0f", "\ufe0e", "\U0001f3fb", "\U0001f3ff", "\u20e3", "\U000e0067", "\U000e007f", ""]
BASES = "aeouAEOnsSzZdtkqxBГиыעبकกが한\u1112Ωﬁ½Ａ①"
MARKS = "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0323\u0327\u0328\u0331\u0335\u0338\u0342\u0345\u035c\u0361\u0591\u064b\u0651\u093c\u094d\u0e34\u0e48\u1161\u11ab\u20d0\u3099\u309a"
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
WORDS = "the The THE quick can't I'M we've rock'n'roll naïve façade Straße İstanbul ıssız ǅungla ﬁn e.g. U.S.A. 3.14 1,000 x2 snake_case camelCase C++ --flag http://x.y/?q=1 a@b.c #tag $5 50% (a) [b] {c} \"d\" …".split(" ")
FORMS = ("NFC", "NFD", "NFKC", "NFKD")


def hostile_texts(seed, count):
    """FIXED and as many further texts of every family below as make `count`, without repetitions."""
    rng = random.Random(seed)
    pick = lambda items, low, high: "".join(rng.choice(items) for _ in range(rng.randint(low, high)))
    anywhere = lambda: chr(rng.choice((rng.randrange(0x20, 0x3000), rng.randrange(0x3000, 0xD800), rng.randrange(0xE000, 0x20000), rng.randrange(0x20000, 0x110000))))
    control = lambda: chr(rng.choice((rng.randrange(0x20), rng.randrange(0x7F, 0xA0), *map(ord, BIDI), 0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF)))
    compatible = lambda: chr(rng.choice((rng.randrange(0xA0, 0x250), rng.randrange(0x1E00, 0x2000), rng.randrange(0x2070, 0x2190), rng.randrange(0x2460, 0x2500), rng.randrange(0x3200, 0x3400), rng.randrange(0xAC00, 0xAD00), rng.randrange(0xF900, 0xFB50), rng.randrange(0xFE30, 0xFFF0), rng.randrange(0x1D400, 0x1D800))))
    marked = lambda: rng.choice(BASES) + pick(MARKS, 0, 3)
    words = lambda: pick(WORDS, 1, 1) + "".join(pick(SPACES[:3] + [" "] * 9, 1, 1) + rng.choice(WORDS) for _ in range(rng.randint(0, 8)))
    families = [
        lambda: random_texts(rng.randrange(1 << 30), 1)[0],
        lambda: "".join(anywhere() for _ in range(rng.randint(1, 12))),
        lambda: pick("ab 1.", 0, 4) + "".join(control() for _ in range(rng.randint(1, 4))) + pick("ab 1.", 0, 4),
        lambda: "".join(rng.choice((pick(SPACES, 1, 6), pick("ab.1é漢", 1, 3))) for _ in range(rng.randint(1, 6))),
        lambda: "".join(chr(rng.choice(EDGES)) + pick("a é", 0, 2) for _ in range(rng.randint(1, 5))),
        lambda: "".join(rng.choice(EMOJI) + rng.choice(JOINERS) + rng.choice(JOINERS) for _ in range(rng.randint(1, 8))),
        lambda: "".join(marked() for _ in range(rng.randint(1, 10))),
        lambda: unicodedata.normalize(rng.choice(FORMS), "".join(compatible() for _ in range(rng.randint(1, 10)))),
        lambda: "".join(rng.choice((rng.choice(SPECIAL), rng.choice(SPECIAL)[:-1], pick(SPACES, 0, 2), pick("ab é<>[]|_", 1, 4), rng.choice(SPECIAL).upper(), rng.choice(SPECIAL) + rng.choice(MARKS))) for _ in range(rng.randint(1, 6))),
        lambda: pick(BIDI, 0, 2) + "".join(pick(POOLS[rng.choice((0, 2, 5, 12, 13))], 1, 6) + rng.choice((" ", "", rng.choice(BIDI))) for _ in range(rng.randint(1, 5))),
        words,
        lambda: "".join(rng.choice((c.upper(), c.lower(), c.title(), c + rng.choice(MARKS), c)) for c in words()),
        lambda: pick("abcé漢1", 1, 3) * rng.choice((30, 33, 34, 50, 99, 100, 101)),
    ]
    texts = dict.fromkeys(FIXED)
    while len(texts) < count:
        for family in families:
            texts[family()] = None
    return list(texts)
