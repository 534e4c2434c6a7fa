"""Small Parquet files as the Hugging Face hub has them, with rows made up here.

    python tools/reference/tables.py test/golden/tables

Needs pyarrow 26.0.1.
"""

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def main(folder):
    pairs = {
        "sentence1": ['He said "no".', "Tabs\tand\nlines", "Größe 中文 😀", ""],
        "sentence2": ["He declined.", "Both are kept", "Size", "empty"],
        "label": pa.array([1, 0, 1, 0], pa.int64()),
        "idx": pa.array([0, 1, 2, 3], pa.int32()),
    }
    pq.write_table(pa.table(pairs), folder / "mrpc.parquet", compression="snappy")
    scores = {"sentence1": ["a", "b"], "sentence2": ["a", "c"], "label": pa.array([5.0, 0.25], pa.float32())}
    pq.write_table(pa.table(scores), folder / "stsb.parquet", compression="none")


main(Path(sys.argv[1]))
