"""What transformers says when it loads model folders: each warning that it logs, and what it computes.

    python tools/reference/load_folders.py FOLDER…

Needs torch and transformers 5. Loads configuration, tokenizer, generation settings and model of each folder, and runs the
model on two tokens; prints JSON: for each folder its warnings, in order.
"""

import json
import logging
import os
import sys
import warnings

os.environ["TRANSFORMERS_NO_ADVISORY_WARNINGS"] = ""
import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

said = []


class Collect(logging.Handler):
    def emit(self, record):
        said.append(record.getMessage())


def load(folder):
    said.clear()
    config = AutoConfig.from_pretrained(folder)
    AutoTokenizer.from_pretrained(folder)
    generates = config.architectures[0].endswith("ForCausalLM")
    kind = AutoModelForCausalLM if generates else AutoModelForSequenceClassification
    model = kind.from_pretrained(folder)
    ids = torch.tensor([[1, 2]])
    if generates:
        model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=2, do_sample=False)
    else:
        model(ids)
    return list(said)


def main(folders):
    transformers.logging.get_logger().addHandler(Collect(logging.WARNING))
    transformers.logging.disable_progress_bar()
    warnings.showwarning = lambda message, *_: said.append(str(message))
    print(json.dumps({folder: load(folder) for folder in folders}))


if __name__ == "__main__":
    main(sys.argv[1:])
