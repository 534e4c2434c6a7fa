"""NF4 codes and numbers of bitsandbytes for small weights, random and at the edges.

    python tools/reference/nf4.py test/golden/nf4

Needs torch 2.11.0 and bitsandbytes 0.50.2 (its CPU kernels). Of each case `weights.safetensors` has the weight (`NAME.weight`, in
the dtype that it was quantised from), the codes (`.packed`, `.absmax`, `.nested_absmax`, `.offset`) and the numbers that
they stand for (`.numbers`, same dtype); `codebook.levels` and `codebook.scales` are the numbers of the codes. The weights are
multiples of 2⁻¹², so that the mean of their magnitudes does not depend on the order of its sum.
"""

import sys
from pathlib import Path

import bitsandbytes
import torch
from bitsandbytes.functional import create_dynamic_map, dequantize_4bit, get_4bit_type, quantize_4bit
from safetensors.torch import save_file

SEED = 20261124


def cases():
    generator = torch.Generator().manual_seed(SEED)

    def random(*shape, size=1.0):
        return (torch.randn(shape, generator=generator) * size * 4096).round() / 4096

    levels = get_4bit_type("nf4", device="cpu")
    ties = torch.cat([(levels[:-1] + levels[1:]) / 2, levels, torch.zeros(33)])
    part = random(3, 64)
    part[1] = 0
    outlier = random(4, 64, size=0.02)
    outlier[2, 7] = 30
    return {
        "random": random(150, 130),  # 305 blocks, the last of 44 numbers: two groups of scales
        "half": random(24, 40).bfloat16(),
        "zeros": torch.zeros(2, 64),
        "zero_rest": torch.zeros(3, 30),
        "zero_block": part,
        "one": torch.tensor([[-0.75]]),
        "odd": random(5, 27),
        "ties": ties.view(8, 8),
        "equal": torch.full((2, 96), 0.5),
        "outlier": outlier,
        "large": random(2, 70, size=4096.0),
    }


def main(out):
    tensors = {"codebook.levels": get_4bit_type("nf4", device="cpu"), "codebook.scales": create_dynamic_map()}
    for name, weight in cases().items():
        packed, state = quantize_4bit(weight, blocksize=64, compress_statistics=True, quant_type="nf4")
        tensors |= {
            f"{name}.weight": weight,
            f"{name}.packed": packed.flatten(),
            f"{name}.absmax": state.absmax,
            f"{name}.nested_absmax": state.state2.absmax,
            f"{name}.offset": state.offset,
            f"{name}.numbers": dequantize_4bit(packed, state),
        }
    versions = {"torch": torch.__version__, "bitsandbytes": bitsandbytes.__version__, "seed": str(SEED)}
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, out / "weights.safetensors", versions)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
