"""The files of TensorBoard, W&B and MLflow, written and read by their own packages, for src/trackers.

    pip install tensorboard==2.21.0 wandb==0.19.11
    python tools/reference/trackers.py golden      -> src/trackers/trackers.golden.json

    pip install tensorboard==2.21.0 wandb==0.31.0 mlflow-skinny==3.17.2   (those that are there are used)
    python tools/reference/trackers.py read tensorboard FOLDER
    python tools/reference/trackers.py read wandb FILE
    python tools/reference/trackers.py read mlflow STORE
prints what the program reads as JSON.

(wandb 0.19.11 is the last release that writes its file from Python; 0.31.0 reads and writes the same format in Go.)
"""

import io
import json
import os
import pathlib
import struct
import sys
import tempfile
import zlib

STARTED = 1_780_000_000.25  # seconds; the time of the run and of its first event
SETTINGS = {"train.lr": 0.001, "adapter.method": "lora", "run.analysis": False, "train.steps": 2}
SAMPLES = [(0, "once upon", " a time"), (0, "two", " ünits"), (2, "once upon", " a tree" * 8000)]
SCALARS = [
    (0, {"eval/loss": 2.5}),
    (1, {"train/loss": 2.25, "train/lr": 0.001, "train/grad_norm": 0.0, "train/tokens_per_second": 512.0, "train/memory_bytes": 1048576.0}),
    (2, {"train/loss": float("nan"), "train/lr": 0.0005, "train/grad_norm": float("inf"), "train/tokens_per_second": 256.0, "train/memory_bytes": 2097152.0}),
    (2, {"method/alpha/min": 0.5, "method/alpha/median": 1.0, "method/alpha/max": 2.0}),
]


def timeline():
    """(seconds, step, kind, content) in the order of the run's record; each event one second after the last."""
    order = [("scalars", SCALARS[0]), ("sample", SAMPLES[0]), ("sample", SAMPLES[1]), ("scalars", SCALARS[1]),
             ("scalars", SCALARS[2]), ("scalars", SCALARS[3]), ("end", (2, "finished")), ("sample", SAMPLES[2])]
    for i, (kind, (step, *content)) in enumerate(order):
        yield STARTED + 1 + i, step, kind, content


def tensorboard_file():
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2
    from tensorboard.summary.writer.record_writer import RecordWriter
    from tensorboard.util import tensor_util

    stream = io.BytesIO()
    writer = RecordWriter(stream)
    write = lambda event: writer.write(event.SerializeToString(deterministic=True))

    def hparams(time, kind, **content):
        meta = metadata.create_summary_metadata(plugin_data_pb2.HParamsPluginData(**content))
        # The maps of the content in one order, too.
        parsed = plugin_data_pb2.HParamsPluginData.FromString(meta.plugin_data.content)
        meta.plugin_data.content = parsed.SerializeToString(deterministic=True)
        value = Summary.Value(tag=f"_hparams_/{kind}", metadata=meta, tensor=metadata.NULL_TENSOR)
        write(Event(wall_time=time, summary=Summary(value=[value])))

    def kind_of(value):
        return api_pb2.DATA_TYPE_BOOL if isinstance(value, bool) else api_pb2.DATA_TYPE_STRING if isinstance(value, str) else api_pb2.DATA_TYPE_FLOAT64

    write(Event(wall_time=STARTED, file_version="brain.Event:2"))
    infos = [api_pb2.HParamInfo(name=name, type=kind_of(value)) for name, value in sorted(SETTINGS.items())]
    metrics = [api_pb2.MetricInfo(name=api_pb2.MetricName(tag=tag)) for tag in ("train/loss", "eval/loss")]
    hparams(STARTED, "experiment", experiment=api_pb2.Experiment(time_created_secs=STARTED, hparam_infos=infos, metric_infos=metrics))
    start = plugin_data_pb2.SessionStartInfo(start_time_secs=STARTED)
    for name, value in SETTINGS.items():
        if isinstance(value, bool):
            start.hparams[name].bool_value = value
        elif isinstance(value, str):
            start.hparams[name].string_value = value
        else:
            start.hparams[name].number_value = value
    hparams(STARTED, "session_start_info", session_start_info=start)
    seen = {}
    for time, step, kind, content in timeline():
        if kind == "scalars":
            values = [Summary.Value(tag=tag, simple_value=value) for tag, value in content[0].items()]
            write(Event(wall_time=time, step=step, summary=Summary(value=values)))
        elif kind == "sample":
            seen[step] = seen.get(step, 0) + 1
            meta = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
            tensor = tensor_util.make_tensor_proto("".join(content))
            value = Summary.Value(tag=f"samples/{seen[step]}", metadata=meta, tensor=tensor)
            write(Event(wall_time=time, step=step, summary=Summary(value=[value])))
        else:
            hparams(time, "session_end_info", session_end_info=plugin_data_pb2.SessionEndInfo(status=api_pb2.STATUS_SUCCESS, end_time_secs=time))
    return stream.getvalue()


def wandb_file(host):
    from wandb.proto import wandb_internal_pb2 as pb
    from wandb.sdk.internal.datastore import DataStore

    records = []
    records.append(pb.Record(header=pb.HeaderRecord(version_info=pb.VersionInfo(producer="scalora", min_consumer="0.70.0"))))
    run = pb.RunRecord(run_id="0123abcd", project="scalora", display_name="golden", host=host)
    run.start_time.seconds, run.start_time.nanos = int(STARTED), int(STARTED % 1 * 1e9)
    for key, value in SETTINGS.items():
        run.config.update.add(key=key, value_json=json.dumps(value))
    records.append(pb.Record(run=run))

    def flush(step, row):
        if not row:
            return
        row["_step"] = step
        history, summary = pb.HistoryRecord(), pb.SummaryRecord()
        history.step.num = step
        for name, value in row.items():
            whole = isinstance(value, float) and value.is_integer()
            value_json = json.dumps(int(value) if whole else value, ensure_ascii=False)
            history.item.add(nested_key=[name], value_json=value_json)
            summary.update.add(nested_key=[name], value_json=value_json)
        records.append(pb.Record(summary=summary))
        records.append(pb.Record(history=history))

    row, last, samples = {}, 0, 0
    for time, step, kind, content in timeline():
        if step != last:
            flush(last, row)
            row, last, samples = {}, step, 0
        if kind == "end":
            continue
        for name, value in ({f"samples/{samples + 1}": "".join(content)} if kind == "sample" else content[0]).items():
            samples += kind == "sample"
            row[name] = value
            row["_timestamp"], row["_runtime"] = time, time - STARTED
    flush(last, row)
    records.append(pb.Record(exit=pb.RunExitRecord(exit_code=0)))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "run.wandb")
        store = DataStore()
        store.open_for_write(path)
        for number, record in enumerate(records, 1):
            record.num = number
            store._write_data(record.SerializeToString(deterministic=True))
        store.close()
        return pathlib.Path(path).read_bytes()


def golden():
    import base64
    import tensorboard
    import wandb

    packed = lambda data: base64.b64encode(zlib.compress(data, 9)).decode()
    content = {
        "made": f"tools/reference/trackers.py, tensorboard {tensorboard.__version__}, wandb {wandb.__version__}",
        "tensorboard": packed(tensorboard_file()),
        "wandb": packed(wandb_file("host")),
    }
    target = pathlib.Path(__file__).parents[2] / "src/trackers/trackers.golden.json"
    target.write_text(json.dumps(content, indent=2) + "\n")


def read_tensorboard(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import metadata

    events = EventAccumulator(folder, size_guidance={"scalars": 0, "tensors": 0}).Reload()
    # As TensorBoard does it: scalars and texts of old and new files become tensors with metadata.
    tags = events.Tags()
    text = lambda tag: [[event.step, event.tensor_proto.string_val[0].decode()] for event in events.Tensors(tag)]
    content = lambda kind: events.summary_metadata[f"_hparams_/{kind}"].plugin_data.content
    start = metadata.parse_session_start_info_plugin_data(content("session_start_info"))
    ended = "_hparams_/session_end_info" in events.summary_metadata
    return {
        "scalars": {tag: [[event.step, event.value] for event in events.Scalars(tag)] for tag in tags["scalars"]},
        "texts": {tag: text(tag) for tag in tags["tensors"] if tag.startswith("samples/")},
        "hparams": {name: getattr(value, value.WhichOneof("kind")) for name, value in start.hparams.items()},
        "status": metadata.parse_session_end_info_plugin_data(content("session_end_info")).status if ended else None,
    }


def wandb_records(path):
    from wandb.proto import wandb_internal_pb2 as pb

    data, position, whole = pathlib.Path(path).read_bytes(), 7, b""
    assert data[:7] == b":W&B\xe1\xbe\x00", data[:7]
    while position + 7 <= len(data):
        left = 32768 - position % 32768
        if left < 7:
            position += left
            continue
        crc, length, kind = struct.unpack("<IHB", data[position : position + 7])
        piece = data[position + 7 : position + 7 + length]
        assert zlib.crc32(piece, zlib.crc32(bytes([kind]))) == crc
        position, whole = position + 7 + length, whole + piece
        if kind in (1, 4):
            yield pb.Record.FromString(whole)
            whole = b""


def read_wandb(path):
    history, exit_code, run = [], None, None
    for record in wandb_records(path):
        if record.HasField("run"):
            run = record.run
        if record.HasField("history"):
            history.append({item.nested_key[0]: json.loads(item.value_json) for item in record.history.item})
        if record.HasField("exit"):
            exit_code = record.exit.exit_code
    config = {item.key: json.loads(item.value_json) for item in run.config.update}
    return {"name": run.display_name, "project": run.project, "config": config, "history": history, "exit": exit_code}


def read_mlflow(store):
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    from mlflow.tracking import MlflowClient

    client = MlflowClient(pathlib.Path(store).resolve().as_uri())
    experiment = client.get_experiment_by_name("scalora")
    runs = []
    for run in client.search_runs([experiment.experiment_id]):
        history = lambda key: [[metric.step, metric.value] for metric in client.get_metric_history(run.info.run_id, key)]
        runs.append({
            "name": run.info.run_name,
            "status": run.info.status,
            "params": run.data.params,
            "metrics": {key: history(key) for key in run.data.metrics},
            "artifacts": [file.path for file in client.list_artifacts(run.info.run_id)],
        })
    return runs


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["golden"]:
            golden()
        case ["read", program, path]:
            print(json.dumps({"tensorboard": read_tensorboard, "wandb": read_wandb, "mlflow": read_mlflow}[program](path)))
        case _:
            sys.exit(__doc__)
