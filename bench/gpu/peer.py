"""The peer of bench/gpu.sh: a LoRA step of transformers + PEFT on one device, the shape that time-step.ts has, or with qlora one on a
base in bitsandbytes' NF4. Where transformers or PEFT cannot be imported, LoRA is that of a Llama written here in plain torch, which
computes the same; QLoRA is left out where any of the three cannot, or where bitsandbytes cannot quantise on the device.

usage: python3 peer.py lora|qlora SHAPE.json --device cuda:0      prints a line of JSON
"""
import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

method, device = sys.argv[1], sys.argv[4]
shape = json.load(open(sys.argv[2], encoding="utf8"))
config, tokens = shape["config"], shape["tokens"]
RANK = 16


class LoraLinear(nn.Module):
    def __init__(self, inner, outer):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outer, inner, device=device, dtype=torch.bfloat16) * 0.02, requires_grad=False)
        self.A = nn.Parameter(torch.randn(RANK, inner, device=device) * 0.02)
        self.B = nn.Parameter(torch.zeros(outer, RANK, device=device))

    def forward(self, x):
        return F.linear(x, self.weight) + F.linear(F.linear(x, self.A), self.B)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        hidden, inner = config["hidden_size"], config["intermediate_size"]
        self.heads, self.groups = config["num_attention_heads"], config["num_key_value_heads"]
        self.width = hidden // self.heads
        self.q, self.o = LoraLinear(hidden, hidden), LoraLinear(hidden, hidden)
        self.k, self.v = (LoraLinear(hidden, self.groups * self.width) for _ in range(2))
        self.gate, self.up, self.down = LoraLinear(hidden, inner), LoraLinear(hidden, inner), LoraLinear(inner, hidden)
        self.norms = nn.ParameterList(
            nn.Parameter(torch.ones(hidden, device=device, dtype=torch.bfloat16), requires_grad=False) for _ in range(2)
        )

    def rotate(self, x, cos, sin):
        first, second = x.chunk(2, -1)
        return x * cos + torch.cat([-second, first], -1) * sin

    def forward(self, x, cos, sin):
        h = F.rms_norm(x, x.shape[-1:], self.norms[0], config["rms_norm_eps"])
        split = lambda y, heads: y.view(1, -1, heads, self.width).transpose(1, 2)
        q, k = (self.rotate(split(y, n), cos, sin) for y, n in ((self.q(h), self.heads), (self.k(h), self.groups)))
        attended = F.scaled_dot_product_attention(q, k, split(self.v(h), self.groups), is_causal=True, enable_gqa=True)
        x = x + self.o(attended.transpose(1, 2).flatten(2))
        h = F.rms_norm(x, x.shape[-1:], self.norms[1], config["rms_norm_eps"])
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class PlainLlama(nn.Module):
    note = "plain torch (transformers and PEFT cannot be imported)"

    def __init__(self):
        super().__init__()
        hidden, vocabulary = config["hidden_size"], config["vocab_size"]
        make = lambda: nn.Parameter(torch.randn(vocabulary, hidden, device=device, dtype=torch.bfloat16) * 0.02, requires_grad=False)
        self.embedding, self.head = make(), make()
        self.blocks = nn.ModuleList(Block() for _ in range(config["num_hidden_layers"]))
        width = hidden // config["num_attention_heads"]
        angles = torch.outer(torch.arange(tokens), config["rope_theta"] ** -(torch.arange(0, width, 2) / width)).repeat(1, 2)
        self.cos, self.sin = (f(angles).to(device, torch.bfloat16) for f in (torch.cos, torch.sin))

    def loss(self, ids):
        x = F.embedding(ids, self.embedding)
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        x = F.rms_norm(x, x.shape[-1:], None, config["rms_norm_eps"])
        return F.cross_entropy(F.linear(x, self.head)[0, :-1].float(), ids[0, 1:])


def usable_bitsandbytes():
    """bitsandbytes, once it has quantised a small weight: where its library of CUDA is missing, some versions fail only then."""
    try:
        import bitsandbytes

        bitsandbytes.functional.quantize_4bit(torch.ones(64, 64, device=device), quant_type="nf4")
    except ImportError:
        raise
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ImportError(f"bitsandbytes cannot quantise on {device}: {reason}") from error
    return bitsandbytes


def quantise(base, bnb):
    """Puts bitsandbytes' layers in the place of the linear layers of blocks, as transformers does when it loads in 4 bits."""
    for name, linear in [(n, m) for n, m in base.model.named_modules() if isinstance(m, nn.Linear)]:
        weight = bnb.nn.Params4bit(linear.weight.data, requires_grad=False, quant_type="nf4", compress_statistics=True)
        layer = bnb.nn.Linear4bit(linear.in_features, linear.out_features, bias=False, compute_dtype=torch.bfloat16, device="meta")
        layer.weight = weight
        base.model.set_submodule(name, layer.to(device))
    base.is_loaded_in_4bit = True
    return bnb.__version__


def peft_model():
    bitsandbytes = usable_bitsandbytes() if method == "qlora" else None
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.set_default_dtype(torch.bfloat16)
    with torch.device(device):
        base = LlamaForCausalLM(LlamaConfig(**{k: v for k, v in config.items() if k != "architectures"}, attn_implementation="sdpa"))
    torch.set_default_dtype(torch.float32)
    quantised = f", NF4 of bitsandbytes {quantise(base, bitsandbytes)}" if bitsandbytes else ""
    targets = LoraConfig(r=RANK, lora_alpha=RANK, target_modules=shape["targetModules"], task_type="CAUSAL_LM")
    model = get_peft_model(base, targets)
    model.loss = lambda ids: model(input_ids=ids, labels=ids, use_cache=False).loss
    model.note = f"transformers + PEFT{quantised}, autocast to bfloat16"
    return model


try:
    model = peft_model()
except ImportError as error:
    print(error, file=sys.stderr)
    if method == "qlora":
        print(json.dumps(dict(note=f"left out: {error}")))
        sys.exit()
    model = PlainLlama()
trained = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(trained, lr=1e-4, fused=True)
ids = (torch.arange(tokens) * 7919 % config["vocab_size"]).unsqueeze(0).to(device)
seconds = []
for step in range(shape["warmUp"] + shape["steps"]):
    began = time.perf_counter()
    with torch.autocast(device.split(":")[0], dtype=torch.bfloat16):
        loss = model.loss(ids)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimizer.step()
    optimizer.zero_grad()
    value = loss.item()
    if device != "cpu":
        torch.cuda.synchronize()
    if step >= shape["warmUp"]:
        seconds.append(time.perf_counter() - began)
print(json.dumps(dict(tokensPerSecond=tokens * len(seconds) / sum(seconds), seconds=seconds, loss=value, note=model.note)))
