"""GGUF files that llama.cpp's conversion would write, and what is in them, by the `gguf` package and transformers.

    python tools/reference/gguf_files.py test/golden/gguf

Needs gguf 0.19.0, torch 2.11.0, transformers 5.17.0, sentencepiece.

    blocks.safetensors           TYPE.bytes: random and extreme blocks of each type; TYPE.values: gguf's dequantisation; and
                                 Q8_0.input, Q8_0.output: numbers and gguf's quantisation of them
    models/NAME.gguf             small random models with names, row orders and norms as in llama.cpp's `conversion/`
    models/NAME.safetensors      tokens, offsets and transformers' logits (as in llama.py)
    tokenizers/NAME.gguf         the tokenizers of test/golden/tokenizers, without tensors
"""

import json
import math
import sys
from pathlib import Path

import gguf
import numpy as np
import sentencepiece.sentencepiece_model_pb2 as spm_pb2
import torch
from gguf import GGMLQuantizationType as Type
from gguf.quants import dequantize, quantize
from llama import compute
from safetensors.numpy import save_file
from transformers import AutoConfig, AutoModelForCausalLM

SEED = 20261126
QUANTISED = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"]
# Where 16-bit scales stand in a block.
SCALES = {"Q4_1": [0, 2], "Q5_1": [0, 2], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}


def blocks(name, generator):
    """Random blocks with scales of every size, then all bits set and clear under the largest, smallest and negative scales."""
    block, size = gguf.GGML_QUANT_SIZES[Type[name]]
    extremes = np.array([65504, -65504, 2**-24, -(2**-24), 0, -0.0, 2**-14, 1, np.inf, np.nan], np.float16)
    random = generator.integers(0, 256, (24, size), dtype=np.uint8)
    edges = np.repeat(np.array([[0], [255]], np.uint8), size, 1)
    edges = np.concatenate([edges] * len(extremes))
    for at in SCALES.get(name, [0]):
        scales = (generator.standard_normal(len(random)) * 10.0 ** generator.integers(-7, 4, len(random))).astype(np.float16)
        random[:, at : at + 2] = scales.view(np.uint8).reshape(-1, 2)
        edges[:, at : at + 2] = np.repeat(extremes, 2).view(np.uint8).reshape(-1, 2)
    data = np.concatenate([random, edges])
    with np.errstate(all="ignore"):
        return data, dequantize(data, Type[name]).reshape(len(data), block)


def write_blocks(path, generator):
    tensors = {}
    for name in QUANTISED:
        tensors[f"{name}.bytes"], tensors[f"{name}.values"] = blocks(name, generator)
    values = generator.standard_normal((40, 32)).astype(np.float32) * 10.0 ** generator.integers(-8, 4, (40, 1)).astype(np.float32)
    values[0] = 0
    values[1] = np.arange(-16, 16) / 2  # halves
    values[2, 1:] = 0
    tensors["Q8_0.input"] = values
    tensors["Q8_0.output"] = quantize(values, Type.Q8_0)
    save_file(tensors, path, {"made": f"gguf 0.19.0, seed {SEED}"})


BASE = {
    "vocab_size": 96,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "rms_norm_eps": 1e-05,
    "tie_word_embeddings": True,
    "dtype": "float32",
}
ROPE = {"rope_type": "default", "rope_theta": 500000.0}
LLAMA3 = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
LINEAR = {"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0}
GEMMA = {"head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 4}
GEMMA3_ROPE = {"full_attention": {**LINEAR, "rope_theta": 1000000.0}, "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}}

# name -> model type, config, type of the matrices
MODELS = {
    "llama": ("llama", {"rope_parameters": ROPE, "tie_word_embeddings": False}, "F32"),
    "llama-biases": ("llama", {"attention_bias": True, "mlp_bias": True, "rope_parameters": LINEAR}, "F16"),
    "llama3-rope": (
        "llama",
        {"head_dim": 16, "rope_parameters": {**LLAMA3, "original_max_position_embeddings": 8192}, "max_position_embeddings": 131072},
        "BF16",
    ),
    "llama-q4_0": ("llama", {"num_key_value_heads": 4, "rope_parameters": ROPE}, "Q4_0"),
    "qwen2": ("qwen2", {"rope_parameters": ROPE}, "Q8_0"),
    "qwen3": ("qwen3", {"head_dim": 12, "rope_parameters": ROPE, "tie_word_embeddings": False}, "F32"),
    "gemma2": ("gemma2", {**GEMMA, "attn_logit_softcapping": 20.0, "final_logit_softcapping": 10.0}, "F32"),
    "gemma3": ("gemma3_text", {**GEMMA, "num_hidden_layers": 7, "rope_parameters": GEMMA3_ROPE}, "Q5_1"),
}
ARCHITECTURES = {"gemma3_text": "gemma3"}


def permuted(weight, heads):
    """`LlamaModel.permute`."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def in_format(model_type, name, weight, config):
    if model_type == "llama" and ".q_proj." in name:
        return permuted(weight, config.num_attention_heads)
    if model_type == "llama" and ".k_proj." in name:
        return permuted(weight, config.num_key_value_heads)
    return weight + 1 if model_type.startswith("gemma") and name.endswith("norm.weight") else weight


def randomise(model, generator):
    for name, parameter in model.named_parameters():
        with torch.no_grad():
            values = torch.randn(parameter.shape, generator=generator) * 0.3
            parameter.copy_(values + 1 if name.endswith("norm.weight") else values)


def add_config(writer, architecture, config, rope):
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    if architecture != "gemma2":  # its conversion leaves the base out
        writer.add_rope_freq_base(rope["rope_theta"])
    if rope["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    if architecture == "llama":
        writer.add_vocab_size(config.vocab_size)
        writer.add_rope_dimension_count(config.head_dim)
    if getattr(config, "head_dim", None) is not None:
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)
    if architecture.startswith("gemma"):
        writer.add_sliding_window(config.sliding_window)
    if architecture == "gemma2":
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(config.final_logit_softcapping)


def llama3_factors(config, rope):
    """`LlamaModel.generate_extra_tensors`."""
    frequencies = 1.0 / (rope["rope_theta"] ** (torch.arange(0, config.head_dim, 2, dtype=torch.float32) / config.head_dim))
    old, low, high = rope["original_max_position_embeddings"], rope["low_freq_factor"], rope["high_freq_factor"]
    factors = []
    for wavelength in (2 * math.pi / frequencies).tolist():
        smooth = (old / wavelength - low) / (high - low)
        between = 1 / ((1 - smooth) / rope["factor"] + smooth)
        factors.append(1 if wavelength < old / high else rope["factor"] if wavelength > old / low else between)
    return np.array(factors, np.float32)


def write_model(folder, name, generator):
    model_type, changes, dtype = MODELS[name]
    config = AutoConfig.for_model(model_type, **{**BASE, **changes})
    config._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config).float().train()
    randomise(model, generator)
    architecture = ARCHITECTURES.get(model_type, model_type)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH[architecture.upper()], config.num_hidden_layers)
    rope = changes.get("rope_parameters", {"rope_theta": 10000.0, "rope_type": "default"})
    rope = rope.get("full_attention", rope)
    writer = gguf.GGUFWriter(str(folder / f"{name}.gguf"), architecture)
    writer.add_type(gguf.GGUFType.MODEL)
    add_config(writer, architecture, config, rope)
    add_pieces(writer, config.vocab_size)
    if rope["rope_type"] == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_factors(config, rope))
    for path, parameter in model.named_parameters():
        raw = Type[dtype] if parameter.ndim > 1 else Type.F32
        stored = quantize(in_format(model_type, path, parameter.detach(), config).contiguous().numpy(), raw)
        with torch.no_grad():  # the reference computes with what the file holds
            read = torch.from_numpy(dequantize(stored, raw).reshape(parameter.shape).copy())
            parameter.copy_(undone(model_type, path, read, config))
        writer.add_tensor(names.get_name(path, try_suffixes=(".weight", ".bias")), stored, raw_dtype=raw)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    write_expected(folder / f"{name}.safetensors", model, config, generator)


def add_pieces(writer, count):
    """SentencePiece-like tokens for every row: letters and what merges of them make."""
    letters = [chr(97 + i) for i in range(26)]
    words = ["▁" + letter for letter in letters] + [a + b for a in "ehinost" for b in "aeint"]
    tokens = ["<unk>", "<s>", "</s>", "<turn>", *words, *letters, "▁"][:count]
    tokens += [f"[PAD{i}]" for i in range(len(tokens), count)]
    kinds = [2, 3, 3, 3] + [5 if t.startswith("[PAD") else 1 for t in tokens[4:]]
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores([-1000.0 if k != 1 else -float(i) for i, k in enumerate(kinds)])
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_eot_token_id(3)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
    writer.add_chat_template("{% for message in messages %}{{ message['content'] }}<turn>{% endfor %}")


def undone(model_type, name, weight, config):
    if model_type == "llama" and ("q_proj" in name or "k_proj" in name):
        heads = config.num_attention_heads if "q_proj" in name else config.num_key_value_heads
        return weight.reshape(heads, weight.shape[0] // heads // 2, 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)
    return weight - 1 if model_type.startswith("gemma") and name.endswith("norm.weight") else weight


def write_expected(path, model, config, generator):
    lengths = [11, 5, 8]
    tokens = torch.randint(1, config.vocab_size, (sum(lengths),), generator=generator)
    logits, _ = compute(model, tokens, lengths)
    offsets = np.cumsum([0, *lengths])
    save_file({"tokens": tokens.numpy(), "offsets": offsets, "logits": logits.numpy()}, path, {"seed": str(SEED)})


def write_tokenizer(path, source, pre):
    writer = gguf.GGUFWriter(str(path), "llama")
    if (source / "tokenizer.model").exists():
        proto = spm_pb2.ModelProto.FromString((source / "tokenizer.model").read_bytes())
        writer.add_tokenizer_model("llama")
        writer.add_token_list([p.piece for p in proto.pieces])
        writer.add_token_scores([p.score for p in proto.pieces])
        writer.add_token_types([p.type for p in proto.pieces])
        writer.add_add_space_prefix(proto.normalizer_spec.add_dummy_prefix)
        places = {p.piece: i for i, p in enumerate(proto.pieces)}
        writer.add_bos_token_id(places["<bos>" if "<bos>" in places else "<s>"])
        writer.add_unk_token_id(next(i for i, p in enumerate(proto.pieces) if p.type == 2))
    else:
        add_byte_level(writer, source, pre)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_byte_level(writer, source, pre):
    if (source / "tokenizer.json").exists():
        text = json.loads((source / "tokenizer.json").read_text())
        vocab, merges = text["model"]["vocab"], text["model"]["merges"]
        added = {a["content"]: a for a in text["added_tokens"]}
    else:
        vocab = json.loads((source / "vocab.json").read_text())
        merges = [m for m in (source / "merges.txt").read_text().split("\n") if m and not m.startswith("#version")]
        added = {"<|endoftext|>": {"id": vocab["<|endoftext|>"], "special": True}}
    vocab = {**vocab, **{content: token["id"] for content, token in added.items()}}
    tokens = sorted(vocab, key=vocab.get)
    assert [vocab[t] for t in tokens] == list(range(len(tokens)))
    kinds = [1 if t not in added else 3 if added[t]["special"] else 4 for t in tokens]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in merges])
    if pre == "llama-bpe":
        writer.add_bos_token_id(vocab["<|begin_of_text|>"])


def main(out):
    torch.set_num_threads(1)
    for folder in ("models", "tokenizers"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    write_blocks(out / "blocks.safetensors", np.random.default_rng(SEED))
    generator = torch.Generator().manual_seed(SEED)
    for name in MODELS:
        write_model(out / "models", name, generator)
    for name, pre in {"gpt2": "gpt-2", "llama3": "llama-bpe", "llama": "", "gemma": ""}.items():
        write_tokenizer(out / "tokenizers" / f"{name}.gguf", out.parent / "tokenizers" / name, pre)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
