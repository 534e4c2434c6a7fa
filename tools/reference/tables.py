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
    choices = pa.struct([("text", pa.list_(pa.string())), ("label", pa.list_(pa.string()))])
    arc = {
        "id": ["a", "b"],
        "question": ["What melts?", "What flows?"],
        "choices": pa.array(
            [
                {"text": ["stone", "ice", "sand"], "label": ["A", "B", "C"]},
                {"text": ["water", "wood"], "label": ["1", "2"]},
            ],
            choices,
        ),
        "answerKey": ["B", "1"],
    }
    pq.write_table(pa.table(arc), folder / "arc.parquet", compression="snappy")
    piqa = {
        "goal": ["Keep ice.", "Melt ice."],
        "sol1": ["in a freezer", "in a freezer"],
        "sol2": ["in the sun", "in the sun"],
        "label": pa.array([0, 1], pa.int64()),
    }
    pq.write_table(pa.table(piqa), folder / "piqa.parquet", compression="snappy")


main(Path(sys.argv[1]))
