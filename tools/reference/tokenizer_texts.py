"""Hostile texts for the tokenizer fixtures: fixed ones and random ones of a seed."""

import random

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
