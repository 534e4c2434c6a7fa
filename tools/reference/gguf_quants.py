"""Numbers and what ggml's own quantiser makes of them, for every quantised type that scalora writes.

    python tools/reference/gguf_quants.py LIBGGML_BASE.so test/golden/gguf/quantised.safetensors

Needs numpy, safetensors, and ggml's library built from llama.cpp's source (that of llama-cpp-python 0.3.36's sdist, ggml 0.25.3), for
plain x86-64, where no multiplication is fused with an addition:

    cmake -S vendor/llama.cpp -B build -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=OFF -DBUILD_SHARED_LIBS=ON
    cmake --build build --target ggml-base

    input            [rows, 512]: random rows of many sizes, and extreme ones
    importance       [512]: mean squares, of which some are 0
    TYPE.plain       the bytes without an importance, TYPE.weighted those with it
"""

import ctypes
import sys

import numpy as np
from safetensors.numpy import save_file

SEED = 20261130
TYPES = {"Q4_0": 2, "Q4_1": 3, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8, "Q4_K": 12, "Q5_K": 13, "Q6_K": 14}
COLUMNS = 512


def inputs(generator):
    """Rows like weights, then rows of one kind of number, then rows that mix them block by block."""
    usual = generator.standard_normal((3, COLUMNS)) * 0.02
    heavy = generator.standard_t(2, (2, COLUMNS)) * 0.05
    sizes = generator.standard_normal((8, COLUMNS)) * 10.0 ** np.array([[-42], [-38], [-30], [-20], [-12], [-6], [2], [4]])
    within = generator.standard_normal((2, COLUMNS)) * 10.0 ** generator.integers(-9, 3, (2, COLUMNS))
    positive = np.abs(generator.standard_normal((2, COLUMNS))) + np.array([[0], [3]])
    negative = -positive
    whole = generator.integers(-16, 17, (2, COLUMNS)) / 2
    constant = np.array([[0.0], [-0.0], [0.125], [-3.0], [1e-20], [65504.0]]) * np.ones((1, COLUMNS))
    spikes = np.zeros((3, COLUMNS))
    spikes[0, ::37], spikes[1, 100], spikes[2, ::2] = 1, -2, -0.0
    rows = np.concatenate([usual, heavy, sizes, within, positive, negative, whole, constant, spikes])
    blocks = rows.reshape(-1, 32)
    mixed = blocks[generator.permutation(len(blocks))].reshape(-1, COLUMNS)[:8]
    return np.concatenate([rows, mixed]).astype(np.float32)


def quantise(library, kind, values, importance):
    floats = ctypes.POINTER(ctypes.c_float)
    row_bytes = library.ggml_row_size(kind, COLUMNS)
    out = np.zeros((len(values), row_bytes), np.uint8)
    weights = None if importance is None else importance.ctypes.data_as(floats)
    source = np.ascontiguousarray(values)
    target = out.ctypes.data_as(ctypes.c_void_p)
    written = library.ggml_quantize_chunk(
        kind, source.ctypes.data_as(floats), target, ctypes.c_int64(0), ctypes.c_int64(len(values)), ctypes.c_int64(COLUMNS), weights
    )
    assert written == out.size
    return out


def main(path, out):
    library = ctypes.CDLL(path)
    library.ggml_row_size.restype = ctypes.c_size_t
    library.ggml_row_size.argtypes = [ctypes.c_int, ctypes.c_int64]
    library.ggml_quantize_chunk.restype = ctypes.c_size_t
    generator = np.random.default_rng(SEED)
    with np.errstate(under="ignore"):
        values = inputs(generator)
    importance = (generator.standard_normal(COLUMNS) ** 2 * 10.0 ** generator.integers(-4, 3, COLUMNS)).astype(np.float32)
    importance[generator.integers(0, COLUMNS, 40)] = 0
    importance[64:96] = 0
    tensors = {"input": values, "importance": importance}
    for name, kind in TYPES.items():
        tensors[f"{name}.plain"] = quantise(library, kind, values, None)
        tensors[f"{name}.weighted"] = quantise(library, kind, values, importance)
    save_file(tensors, out)


main(*sys.argv[1:])
