"""Writes what both sides of the comparison compute with, so that it is the same: the random model, its fresh LoRA
adapter and the batches of the peer's bench_llama.py, and the loss and adapter gradients of the first batch.

usage: python export.py PEER_FOLDER OUT SIZE BATCHES
"""
import json
import os
import sys

peer, out, size, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
sys.path.insert(0, peer)
import torch
from common import batches, llama, lora, sft_examples


def medium_is_fp32():
    """Whether torch's "medium" precision still computes in fp32 on this CPU (it does on AMD, not where AMX is)."""
    x, w = torch.randn(256, 512), torch.randn(1024, 512)
    exact = x.double() @ w.double().t()
    torch.set_float32_matmul_precision("medium")
    error = float(((x @ w.t()).double() - exact).abs().max() / exact.abs().max())
    torch.set_float32_matmul_precision("highest")
    return error < 4e-6


def write_gradients(model, batch):
    """An adapter whose second factor is not zero, so that every gradient says something; then its gradients."""
    torch.manual_seed(5)
    parameters = {n: p for n, p in model.named_parameters() if p.requires_grad}
    with torch.no_grad():
        for name, p in parameters.items():
            if "lora_B" in name:
                p.copy_(torch.randn_like(p) * 0.02)
    model.save_pretrained(os.path.join(out, "checked-adapter"))
    loss = model(**batch, use_cache=False).loss
    loss.backward()
    with torch.no_grad():
        for p in parameters.values():
            p.copy_(p.grad)
    model.save_pretrained(os.path.join(out, "gradients"))
    return float(loss.detach())


examples = sft_examples(2000)[: 8 * count]
model = llama(size)  # seeds with 0; the adapter's factors follow, as in bench_llama.py
model.save_pretrained(os.path.join(out, "model"))
model = lora(model)
model.save_pretrained(os.path.join(out, "adapter"))
model.train()
rows = [
    [dict(ids=ids, isLabel=[int(x != -100) for x in labels]) for ids, labels in examples[k * 8 : k * 8 + 8]]
    for k in range(count)
]
about = dict(
    size=size,
    tokens=sum(len(ids) for ids, _ in examples),
    loss=write_gradients(model, batches(examples, 8, 1)[0]),
    mediumIsFp32=medium_is_fp32(),
    versions=dict(torch=torch.__version__),
    batches=rows,
)
with open(os.path.join(out, "about.json"), "w", encoding="utf8") as file:
    json.dump(about, file)
