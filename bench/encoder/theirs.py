"""transformers + PEFT's side: a LoRA step (forward, backward, AdamW) of a sequence classifier, fp32, sdpa, the model's own
dropout, rows padded to the longest of their batch. Reads a line from stdin, answers with a JSON line: the mean over the
batches.

usage: python theirs.py MODEL_FOLDER BATCHES
"""
import json
import os
import resource
import sys
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSequenceClassification, logging

logging.disable_progress_bar()
batches = json.load(open(sys.argv[2], encoding="utf8"))
threads = int(os.environ["OMP_NUM_THREADS"])
torch.set_num_threads(threads)
clock = time.process_time if threads == 1 else time.perf_counter
torch.manual_seed(0)
model = AutoModelForSequenceClassification.from_pretrained(sys.argv[1], dtype=torch.float32, attn_implementation="sdpa")
targets = r".*\.(query|key|value|dense)"
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=targets, modules_to_save=["classifier"]))
model.train()
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4, fused=True)


def step(rows):
    longest = max(len(row["ids"]) for row in rows)
    pad = lambda of: torch.tensor([of(row) + [0] * (longest - len(row["ids"])) for row in rows])
    labels = torch.tensor([row["label"] for row in rows])
    mask = pad(lambda row: [1] * len(row["ids"]))
    loss = model(input_ids=pad(lambda row: row["ids"]), attention_mask=mask, labels=labels).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()


step(batches[0])
for line in sys.stdin:
    start = clock()
    for rows in batches:
        step(rows)
    seconds = (clock() - start) / len(batches)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(dict(seconds=seconds, peakMiB=peak, trained=trained)), flush=True)
