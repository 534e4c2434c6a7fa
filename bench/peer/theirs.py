"""The peer's sides of the comparison: a LoRA step (forward, backward, clipping, AdamW) of transformers + PEFT. Reads lines
from stdin and answers each with a line of JSON:
  check FOLDER   the loss of the first batch; its gradients are written as an adapter's folder
  warm, time     a step on the first batch; a step on every batch

usage: python theirs.py A|F JOB

A is as its users run it: rows padded to the longest of their batch, the loss of the model, what transformers' Trainer sets.
F is the same stack tuned by hand in every way that keeps the numbers (tuned.py).
"""
import json
import os
import resource
import sys
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, logging

logging.disable_progress_bar()
torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
side, job = sys.argv[1], json.load(open(sys.argv[2], encoding="utf8"))


class Defaults:
    """Row A."""

    note = "defaults"
    options = {}

    def __init__(self, model):
        self.model = model

    def batch(self, rows):
        longest = max(len(row["ids"]) for row in rows)

        def padded(values, filler):
            return torch.tensor([each + [filler] * (longest - len(each)) for each in map(values, rows)])

        ids = padded(lambda row: row["ids"], 0)
        mask = padded(lambda row: [1] * len(row["ids"]), 0)
        if job["task"] == "classification":
            return dict(input_ids=ids, attention_mask=mask, labels=torch.tensor([row["label"] for row in rows]))
        labels = padded(lambda row: [-100] * row["prompt"] + row["ids"][row["prompt"] :], -100)
        return dict(input_ids=ids, attention_mask=mask, labels=labels, use_cache=False)

    def loss(self, batch):
        return self.model(**batch).loss


def load():
    """The side, and its model with the adapter."""
    if side == "A":
        kind = Defaults
    else:
        from tuned import TunedChat, TunedClassifier

        kind = TunedChat if job["task"] == "chat" else TunedClassifier
    auto = AutoModelForCausalLM if job["task"] == "chat" else AutoModelForSequenceClassification
    dtype = getattr(torch, job["dtype"])
    base = auto.from_pretrained(job["model"], dtype=dtype, **kind.options)
    model = PeftModel.from_pretrained(base, job["adapter"], is_trainable=True)
    return kind(model), model


step_of, model = load()
batches = [step_of.batch(rows) for rows in json.load(open(job["batches"], encoding="utf8"))]
trained = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.01, fused=True)
torch.manual_seed(0)


def check(folder):
    """Without the model's dropout."""
    model.eval()
    loss = step_of.loss(batches[0])
    loss.backward()
    values = [p.data for p in trained]
    for p in trained:
        p.data = p.grad
    model.save_pretrained(folder)
    for p, value in zip(trained, values):
        p.data = value
    optimizer.zero_grad()
    model.train()
    return [loss.item()]


def step(batch):
    loss = step_of.loss(batch)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


def peak_mib():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def minor_faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


for line in sys.stdin:
    command, _, folder = line.rstrip("\n").partition(" ")
    wall, cpu, faults = time.perf_counter(), time.process_time(), minor_faults()
    if command == "check":
        losses = check(folder)
    else:
        losses = [step(batch) for batch in (batches[:1] if command == "warm" else batches)]
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    faults = minor_faults() - faults
    answer = dict(cpu=cpu, wall=wall, minorFaults=faults, peakMiB=peak_mib(), losses=losses, note=step_of.note)
    print(json.dumps(answer), flush=True)
