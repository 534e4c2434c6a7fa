"""transformers' side: greedy `generate`, fp32, sdpa, its key-value cache; a batch is padded on the left. Reads from stdin
how many of the prompts to continue at once, a line each, and answers with a JSON line.

usage: python theirs.py MODEL_FOLDER PROMPTS NEW_TOKENS
"""
import json
import os
import resource
import sys
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import torch
from transformers import AutoModelForCausalLM, logging

logging.disable_progress_bar()

folder, prompts, count = sys.argv[1], json.load(open(sys.argv[2], encoding="utf8"))["prompts"], int(sys.argv[3])
threads = int(os.environ["OMP_NUM_THREADS"])
torch.set_num_threads(threads)
clock = time.process_time if threads == 1 else time.perf_counter
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa").eval()


def generate(rows, new_tokens):
    """No end token, so that every output has all its tokens."""
    longest = max(map(len, rows))
    ids = torch.tensor([[0] * (longest - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows])
    model.generation_config.eos_token_id = None
    with torch.inference_mode():
        found = model.generate(input_ids=ids, attention_mask=mask, do_sample=False, max_new_tokens=new_tokens, pad_token_id=0)
    return found[:, longest:].tolist()


for line in sys.stdin:
    rows = prompts[: int(line)]
    generate(rows, 4)
    start = clock()
    tokens = generate(rows, count)
    seconds = clock() - start
    assert all(len(row) == count for row in tokens)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(dict(seconds=seconds, peakMiB=peak, tokens=tokens)), flush=True)
