"""Golden vectors of small random encoders with classification heads, from transformers.

    python tools/reference/encoders.py test/golden/encoders

Needs torch 2.11.0 and transformers 5.17.0. Each case is a folder: `config.json`, `model.safetensors` and
`expected.safetensors` with

    tokens, types, offsets   the sequences, one after another, and the part of a pair that each token belongs to
    hidden                   [T, hidden], the last layer, every sequence run alone, eager attention, fp32, eval mode
    logits                   [S, labels]
    weights                  [S, labels], random
    grad.NAME                the gradient of (logits * weights).sum(), for every parameter

Cases named `bare-…` store the weights of the encoder without its prefix, as its own class does.
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from llama import write
from transformers import AutoConfig, AutoModelForSequenceClassification

SEED = 20261124

BERT = {
    "architectures": ["BertForSequenceClassification"],
    "model_type": "bert",
    "vocab_size": 40,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 32,
    "type_vocab_size": 2,
    "pad_token_id": 0,
    "dtype": "float32",
}
ROBERTA = {
    **BERT,
    "architectures": ["RobertaForSequenceClassification"],
    "model_type": "roberta",
    "type_vocab_size": 1,
    "pad_token_id": 1,
    "max_position_embeddings": 34,
    "layer_norm_eps": 1e-5,
}
DEBERTA = {
    **BERT,
    "architectures": ["DebertaV2ForSequenceClassification"],
    "model_type": "deberta-v2",
    "type_vocab_size": 0,
    "relative_attention": True,
    "position_biased_input": False,
    "pos_att_type": "p2c|c2p",
    "max_relative_positions": -1,
    "position_buckets": 8,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "pooler_dropout": 0,
    "pooler_hidden_act": "gelu",
    "pooler_hidden_size": 16,
    "layer_norm_eps": 1e-7,
}


def labels(count):
    return {"id2label": {str(i): f"class {i}" for i in range(count)}, "label2id": {f"class {i}": i for i in range(count)}}


# name -> the config, lengths of the sequences
CASES = {
    "bert-pairs": (BERT, [7, 12, 3, 12]),
    "bert-classes": ({**BERT, **labels(5), "hidden_act": "gelu_new", "layer_norm_eps": 1e-3, "num_attention_heads": 2}, [9, 9]),
    "bert-regression": ({**BERT, **labels(1), "problem_type": "regression", "hidden_size": 24, "hidden_act": "relu"}, [1, 32]),
    "bare-bert": ({**BERT, "type_vocab_size": 3, "classifier_dropout": 0.3}, [5, 5, 6]),
    "roberta-unequal": (ROBERTA, [5, 17, 1, 8]),
    "roberta-padding": ({**ROBERTA, "vocab_size": 6, "pad_token_id": 3, "max_position_embeddings": 36, **labels(3)}, [20, 20]),
    "roberta-types": ({**ROBERTA, "type_vocab_size": 2, "num_attention_heads": 1, "hidden_act": "gelu_fast"}, [11, 4]),
    "bare-roberta": ({**ROBERTA, **labels(1), "intermediate_size": 48}, [32]),
    "deberta-v3": (DEBERTA, [30, 9, 9, 1]),
    "deberta-conv": ({**DEBERTA, "conv_kernel_size": 3, "conv_act": "gelu", **labels(3)}, [13, 6, 6]),
    "deberta-conv-groups": ({**DEBERTA, "conv_kernel_size": 5, "conv_groups": 4, "position_buckets": -1}, [2, 12]),
    "deberta-own-projections": ({**DEBERTA, "share_att_key": False, "norm_rel_ebd": "none", "pooler_hidden_act": "tanh"}, [21, 5]),
    "deberta-c2p": ({**DEBERTA, "share_att_key": False, "pos_att_type": ["c2p"], "position_buckets": 4, "max_relative_positions": 24}, [25, 7]),
    "deberta-p2c": ({**DEBERTA, "share_att_key": False, "pos_att_type": "p2c", "position_buckets": -1, "max_relative_positions": 6}, [15, 4]),
    "deberta-absolute": ({**DEBERTA, "relative_attention": False, "position_biased_input": True, "type_vocab_size": 2, **labels(1)}, [8, 14]),
    "deberta-embedding-size": ({**DEBERTA, "embedding_size": 12, "type_vocab_size": 2, "legacy": False}, [10, 10]),
}


def randomise(model, generator):
    for name, parameter in model.named_parameters():
        with torch.no_grad():
            values = torch.randn(parameter.shape, generator=generator) * 0.25
            parameter.copy_(values + 1 if name.endswith("LayerNorm.weight") else values)


def make_types(lengths, kinds, generator):
    """The first part of each sequence is of type 0, the rest of the last type."""
    cuts = [int(torch.randint(1, length + 1, (), generator=generator)) for length in lengths]
    parts = [torch.tensor([0] * cut + [max(kinds - 1, 0)] * (length - cut)) for cut, length in zip(cuts, lengths)]
    return torch.cat(parts)


def compute(model, tokens, types, lengths, weights):
    hidden, logits = [], []
    for ids, kinds in zip(tokens.split(lengths), types.split(lengths)):
        out = model(
            input_ids=ids[None],
            token_type_ids=kinds[None],
            attention_mask=torch.ones_like(ids)[None],
            output_hidden_states=True,
        )
        hidden.append(out.hidden_states[-1][0])
        logits.append(out.logits[0])
    (torch.stack(logits) * weights).sum().backward()
    return torch.cat(hidden).detach(), torch.stack(logits).detach()


def write_case(folder, config, lengths, generator):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    parsed = AutoConfig.from_pretrained(folder)
    parsed._attn_implementation = "eager"
    model = AutoModelForSequenceClassification.from_config(parsed).float().eval()
    randomise(model, generator)
    tokens = torch.randint(0, config["vocab_size"], (sum(lengths),), generator=generator)
    types = make_types(lengths, config["type_vocab_size"], generator)
    weights = torch.randn((len(lengths), parsed.num_labels), generator=generator)
    hidden, logits = compute(model, tokens, types, lengths, weights)
    offsets = torch.tensor([0, *lengths]).cumsum(0)
    expected = {"tokens": tokens, "types": types, "offsets": offsets}
    expected |= {"hidden": hidden, "logits": logits, "weights": weights}
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            expected[f"grad.{name}"] = parameter.grad
    metadata = {
        "torch": torch.__version__.split("+")[0],
        "transformers": transformers.__version__,
        "seed": str(SEED),
    }
    write(expected, folder / "expected.safetensors", metadata)
    bare = f"{model.base_model_prefix}." if folder.name.startswith("bare") else ""
    stored = {name.removeprefix(bare): p.detach().clone() for name, p in model.named_parameters()}
    write(stored, folder / "model.safetensors", metadata)


def main(out):
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(SEED)
    for name, (config, lengths) in CASES.items():
        write_case(out / name, config, lengths, generator)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
