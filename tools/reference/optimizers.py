"""Ten steps of torch's own optimisers on fixed gradients -> src/optim/optimizers.golden.json.

Run with torch 2.11.0:  python tools/reference/optimizers.py
Gradients are written too, so that the test needs no random numbers of torch.
"""

import json
import pathlib

import torch

SEED = 20261124
STEPS = 10
SHAPES = {"weight": (3, 4), "bias": (4,)}  # weight decays, bias does not
LRS = [0.01 * (step + 1) / STEPS for step in range(STEPS)]


def optimizers(parameters):
    groups = lambda decay: [
        {"params": [parameters["weight"]], "weight_decay": decay},
        {"params": [parameters["bias"]], "weight_decay": 0.0},
    ]
    return {
        "adamw": lambda: torch.optim.AdamW(groups(0.1), betas=(0.9, 0.98), eps=1e-6, foreach=False, fused=False),
        "sgd": lambda: torch.optim.SGD(groups(0.0), lr=1.0),
        "sgdMomentum": lambda: torch.optim.SGD(groups(0.1), lr=1.0, momentum=0.9),
    }


def run(name, start, gradients, dtype):
    parameters = {key: torch.nn.Parameter(value.to(dtype).clone()) for key, value in start.items()}
    optimizer = optimizers(parameters)[name]()
    course = []
    for lr, step in zip(LRS, gradients):
        for group in optimizer.param_groups:
            group["lr"] = lr
        for key, parameter in parameters.items():
            parameter.grad = step[key].to(dtype)
        optimizer.step()
        course.append({key: parameter.detach().double().flatten().tolist() for key, parameter in parameters.items()})
    return course


def main():
    torch.manual_seed(SEED)
    start = {key: torch.randn(shape) for key, shape in SHAPES.items()}
    gradients = [{key: torch.randn(shape) * 10 ** (step % 3 - 1) for key, shape in SHAPES.items()} for step in range(STEPS)]
    flat = lambda tensors: {key: value.double().flatten().tolist() for key, value in tensors.items()}
    out = {
        "made by": f"tools/reference/optimizers.py, torch {torch.__version__.split('+')[0]}, seed {SEED}",
        "shapes": SHAPES,
        "lrs": LRS,
        "start": flat(start),
        "gradients": [flat(step) for step in gradients],
        "courses": {
            f"{name} {str(dtype).removeprefix('torch.')}": run(name, start, gradients, dtype)
            for name in ["adamw", "sgd", "sgdMomentum"]
            for dtype in [torch.float32, torch.float64]
        },
    }
    path = pathlib.Path(__file__).parents[2] / "src" / "optim" / "optimizers.golden.json"
    path.write_text(json.dumps(out) + "\n")


main()
