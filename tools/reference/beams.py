"""Beam searches of small random Llama models, from transformers.

    python tools/reference/beams.py test/golden/llama test/golden/beams.json

Needs torch 2.11.0 and transformers 5.17.0; the models are those of llama.py.
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from generation import load

NEW_TOKENS = 16
MODELS = ["gqa", "untied", "llama3-within"]
# End tokens are few at first, then so many that outputs end early and at different lengths.
SEARCHES = [(2, []), (3, [7]), (4, list(range(0, 80, 9))), (4, list(range(0, 80, 3))), (5, list(range(1, 80, 5)))]


def main(root, out):
    torch.set_num_threads(1)
    cases = []
    for name in MODELS:
        model = load(root, name)
        torch.manual_seed(3)
        for beams, ends in SEARCHES:
            prompt = torch.randint(0, model.config.vocab_size, (5,)).tolist()
            model.generation_config.eos_token_id = None
            config = transformers.GenerationConfig(
                max_new_tokens=NEW_TOKENS, num_beams=beams, do_sample=False, eos_token_id=ends or None, pad_token_id=0
            )
            inputs = torch.tensor([prompt])
            ids = model.generate(inputs, attention_mask=torch.ones_like(inputs), generation_config=config)
            tokens = ids[0, len(prompt) :].tolist()
            cut = next((i for i, token in enumerate(tokens) if token in ends), len(tokens))
            cases.append({"model": name, "prompt": prompt, "beams": beams, "ends": ends, "tokens": tokens[:cut]})
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    lines = ",\n".join(json.dumps(case) for case in cases)
    out.write_text('{"versions": %s, "maxTokens": %d, "cases": [\n%s\n]}\n' % (json.dumps(versions), NEW_TOKENS, lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
