"""What was saved comes back whole in another process, to serve and to go on with; loading runs nothing."""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import polars as pl
import pytest
import torch

from shortlist.data import Batch, Ragged
from shortlist.errors import ArgumentError, BundleError, DataError
from shortlist.export import export_encoder, load_weights
from shortlist.features import Workflow, ops
from shortlist.io import Dataset, write_manifest
from shortlist.loader import Loader
from shortlist.models.retrieval import TwoTower
from shortlist.rng import generator
from shortlist.runtime import load_encoder
from shortlist.samplers import InBatch, Uniform
from shortlist.schema import LIST, Column, Schema
from shortlist.train import FitOptions, SampledSoftmax, fit

SCHEMA = Schema(
    [
        Column("user", "string", ("user", "id")),
        Column("likes", "string", ("user", "categorical"), LIST),
        Column("age", "float64", ("user", "continuous")),
        Column("item", "int64", ("item", "id")),
        Column("price", "float64", ("item", "continuous")),
        Column("time", "int64", ("time",)),
    ]
)


def log(rows: int = 400) -> Dataset:
    """Some likes of a user are missing, some many."""
    rng = generator(5, "log")
    users = rng.integers(0, 20, rows)
    frame = pl.DataFrame(
        {
            "user": [f"u{user}" for user in users],
            "likes": [[f"t{topic}" for topic in range(user % 4)] for user in users],
            "age": 20.0 + users,
            "item": rng.integers(0, 25, rows) * 1000,
            "price": rng.integers(1, 50, rows) / 4,
            "time": np.arange(rows),
        },
        schema_overrides={"likes": pl.List(pl.String)},
    )
    return Dataset.of(frame, SCHEMA)


def workflow() -> Workflow:
    return Workflow([
        ["user", "likes", "item"] >> ops.Categorify(),
        ["age", "price"] >> ops.LogOp() >> ops.Normalize(),
        ops.History("item", max_length=6) >> ops.Categorify(like="item"),
    ])  # fmt: skip


def two_tower(schema: Schema, seed: int = 0) -> TwoTower:
    return TwoTower(schema, dim=8, hidden=(12,), seed=seed)


def trained(model: TwoTower, rows: Dataset) -> list[float]:
    """Losses of two epochs."""
    objective = SampledSoftmax(negatives=InBatch() + Uniform(16))
    report = fit(model, rows, objective, options=FitOptions(epochs=2, batch_size=100, lr=0.02))
    return [epoch.loss for epoch in report.epochs]


@dataclass(frozen=True)
class Saved:
    """A workflow and a model that were fitted, and the folder where both were saved.

    Attributes:
        flow: the fitted workflow.
        rows: what it makes of the log.
        model: the trained model.
        losses: of its training.
        folder: holds ``flow``, ``encoder`` and the raw log with its schema.
    """

    flow: Workflow
    rows: Dataset
    model: TwoTower
    losses: list[float]
    folder: Path


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    folder = tmp_path_factory.mktemp("saved")
    torch.set_num_threads(1)
    log().collect().write_parquet(folder / "log.parquet")
    (folder / "schema.json").write_text(SCHEMA.to_json())
    flow = workflow().fit(log())
    flow.save(folder / "flow")
    rows = Dataset.of(flow.transform(log()).collect(), flow.schema)
    model = two_tower(flow.schema)
    losses = trained(model, rows)
    export_encoder(model, folder / "encoder")
    return Saved(flow, rows, model, losses, folder)


def all_rows(rows: Dataset, schema: Schema) -> Batch:
    return next(iter(Loader(rows, schema, batch_size=10_000, shuffle=False)))


def vectors(model: TwoTower, rows: Dataset) -> tuple[np.ndarray, np.ndarray]:
    with torch.no_grad():
        batch = all_rows(rows, model.schema.without("time"))
        return model.encode_query(batch).numpy(), model.encode_item(batch).numpy()


def in_a_fresh_process(code: str, *given: str | Path) -> str:
    """What a program prints."""
    command = [sys.executable, "-c", code, *map(str, given)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_two_tower_model_loaded_in_a_fresh_process_gives_equal_vectors(saved: Saved) -> None:
    """models#753, models#149: a two-tower model could not be loaded again."""
    code = (
        "import sys, numpy as np, polars as pl, torch; torch.set_num_threads(1);"
        "from shortlist.export import load_weights; from shortlist.features import Workflow;"
        "from shortlist.io import Dataset; from shortlist.loader import Loader;"
        "from shortlist.models.retrieval import TwoTower; from shortlist.schema import Schema;"
        "folder = sys.argv[1]; schema = Schema.from_json(open(folder + '/schema.json').read());"
        "flow = Workflow.load(folder + '/flow');"
        "model = TwoTower(flow.schema, dim=8, hidden=(12,), seed=77);"
        "load_weights(model, folder + '/encoder');"
        "rows = flow.transform(Dataset.of(pl.scan_parquet(folder + '/log.parquet'), schema));"
        "batch = next(iter(Loader(rows, flow.schema.without('time'), batch_size=10_000, shuffle=False)));"
        "query, item = model.encode_query(batch), model.encode_item(batch);"
        "np.savez(folder + '/found.npz', query=query.detach(), item=item.detach())"
    )
    in_a_fresh_process(code, saved.folder)
    with np.load(saved.folder / "found.npz") as found:
        query, item = vectors(saved.model, saved.rows)
        assert np.array_equal(found["query"], query)
        assert np.array_equal(found["item"], item)
        assert query.shape == item.shape == (400, 8)


def test_a_loaded_model_is_trained_further_as_the_one_that_was_saved(saved: Saved, tmp_path: Path) -> None:
    """models#1224: a loaded model could not be used again once it had been fitted."""
    loaded, kept = two_tower(saved.flow.schema, seed=9), deepcopy(saved.model)
    load_weights(loaded, saved.folder / "encoder")
    losses = trained(loaded, saved.rows)
    assert losses == trained(kept, saved.rows)
    assert losses[-1] < saved.losses[-1]
    for one, other in zip(loaded.parameters(), kept.parameters(), strict=True):
        assert torch.equal(one, other)
    export_encoder(loaded, tmp_path / "again")
    again = two_tower(saved.flow.schema)
    load_weights(again, tmp_path / "again")
    assert np.array_equal(vectors(again, saved.rows)[0], vectors(kept, saved.rows)[0])
    assert not np.array_equal(vectors(again, saved.rows)[0], vectors(saved.model, saved.rows)[0])


def test_a_model_of_sessions_is_saved_and_serves_lists_of_any_length(tmp_path: Path) -> None:
    """models#908: a session model was refused: "layer was saved without config"."""
    head = ops.Groupby("user", lists=["item"], last=["item"], gap="20s", max_length=5)
    data = log().select(["user", "item", "time"])
    flow = Workflow([head, "user" >> ops.Categorify(), [["item_list", "item_last"]] >> ops.Categorify()])
    flow.fit(data).save(tmp_path / "flow")
    model = TwoTower(flow.schema, dim=8, hidden=(12,))
    export_encoder(model, tmp_path / "encoder")
    served, loaded = load_encoder(tmp_path / "encoder"), Workflow.load(tmp_path / "flow")
    assert loaded.schema == flow.schema
    for length in (0, 1, 5, 40):
        codes = Ragged.of([np.arange(length) % 20 + 3, [3]], np.int64)
        batch = Batch({"user": np.array([3, 2]), "item_list": codes})
        np.testing.assert_allclose(served.encode_query(batch), model.encode_query(batch), rtol=0, atol=1e-5)
    made = loaded.transform_batch(
        Batch({"user": np.array(["u3", "u3"], object), "item": np.array([0, 1000]), "time": np.array([2, 1])})
    )
    assert loaded.decode("item_list", made["item_list"]) == [[1000, 0]]
    assert served.encode_query(made).shape == (1, 8)


def test_a_query_tower_with_multi_hot_features_serves_from_its_graph(saved: Saved) -> None:
    """Merlin#1092: the query tower was not exported where a feature was multi-hot."""
    served, rows = load_encoder(saved.folder / "encoder"), log().collect()
    assert served.query_schema["likes"].is_list
    raw = Batch(
        {
            "user": rows["user"].to_numpy(),
            "likes": Ragged.of(rows["likes"].to_list(), object),
            "age": rows["age"].to_numpy(),
            "item_history": Ragged.empty(len(rows)),
        }
    )
    for batch in (raw, raw.take(np.array([4])), raw.take(np.zeros(0, np.int64))):
        encoded = saved.flow.transform_batch(batch)
        expected = saved.model.encode_query(encoded)
        assert expected.shape == (len(batch), 8)
        np.testing.assert_allclose(served.encode_query(encoded), expected, rtol=0, atol=1e-5)
    assert {len(likes) for likes in rows["likes"]} == {0, 1, 2, 3}


def test_a_loaded_workflow_has_its_categories_and_its_functions(tmp_path: Path) -> None:
    """NVTabular#887, #1737: categories, and the modules of functions, were missing after loading."""
    (tmp_path / "own_features.py").write_text("def halved(x):\n    return x / 2\n")
    shared = (
        "import sys, polars as pl; sys.path.insert(0, sys.argv[1]);"
        "from shortlist.features import Workflow, ops; from shortlist.io import Dataset;"
        "rows = Dataset.of(pl.DataFrame({'word': ['b', 'a', 'b', None], 'x': [1.0, 2.0, 3.0, None]}));"
    )
    save = shared + (
        "from own_features import halved;"
        "flow = Workflow(['word' >> ops.Categorify(), 'x' >> ops.LambdaOp(halved)]).fit(rows);"
        "flow.save(sys.argv[1] + '/flow'); print(flow.transform(rows).collect().rows())"
    )
    load = shared + (
        "flow = Workflow.load(sys.argv[1] + '/flow', modules=['own_features']);"
        "print(flow.transform(rows).collect().rows());"
        "print(flow.vocabulary('word').rows(), flow.decode('word', [4, 3, 0]));"
        "again = flow.fit(rows); print(again.transform(rows).collect().rows())"
    )
    before = in_a_fresh_process(save, tmp_path)
    assert before == "[(3, 0.5), (4, 1.0), (3, 1.5), (1, None)]"
    after = in_a_fresh_process(load, tmp_path).splitlines()
    assert after == [before, "[(3, 'b', 2), (4, 'a', 1)] ['a', 'b', None]", before]


def test_the_schema_that_was_saved_is_the_signature_that_serves(saved: Saved) -> None:
    """models#924: saved schemas differed from the signatures of the models beside them."""
    flow, part = Workflow.load(saved.folder / "flow"), saved.folder / "encoder"
    assert flow.schema == saved.flow.schema
    assert flow.input_schema == saved.flow.input_schema
    facts = json.loads((part / "part.json").read_text())
    for side in ("query", "item"):
        schema = Schema.from_json(json.dumps(facts["inputs"][side]))
        assert schema == flow.schema.select(schema.names)
        session = onnxruntime.InferenceSession(part / f"{side}.onnx", providers=["CPUExecutionProvider"])
        signature = {value.name: (value.type, len(value.shape)) for value in session.get_inputs()}
        kinds = {"int64": "tensor(int64)", "float32": "tensor(float)"}
        assert signature == {c.name: (kinds[c.dtype], len(c.shape.dims)) for c in schema}
    assert set(facts["inputs"]["query"]["columns"][0]) >= {"name", "dtype", "tags", "shape", "domain"}


def test_saved_folders_hold_plain_data_only(saved: Saved) -> None:
    """NVTabular#1894, T4Rec#804: workflows and models were pickles, which run what they please."""
    files = [path for path in saved.folder.rglob("*") if path.parent != saved.folder and path.is_file()]
    assert {path.suffix for path in files} == {".json", ".arrow", ".onnx", ".safetensors"}
    heads = {".arrow": b"ARROW1", ".json": b"{"}
    for path in files:
        assert path.read_bytes().startswith(heads.get(path.suffix, b""))
        assert b"__reduce__" not in path.read_bytes()
        assert not path.read_bytes().startswith((b"\x80", b"PK"))


class Mark:
    """Makes a folder when a pickle of it is read."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, (str(self.place),)


def packed(place: Path) -> list[int]:
    """Such a pickle as Polars writes functions."""
    return [0, sys.version_info.minor, sys.version_info.micro, *pickle.dumps(Mark(place), 0)]


COLUMN = {"Column": "age"}
FOREIGN: dict[str, Callable[[Path], Any]] = {
    "a function of a module": lambda place: {"op": "LambdaOp", "function": {"function": "foreign:run"}},
    "a function of the standard library": lambda place: {
        "op": "LambdaOp",
        "function": {"function": "os:getcwd"},
    },
    "an op of a module": lambda place: {"op": "foreign:Op"},
    "a pickled name": lambda place: expression(
        {"RenameAlias": {"function": {"Map": packed(place)}, "expr": COLUMN}}
    ),
    "a pickled name as text": lambda place: expression(
        {"RenameAlias": {"function": {"Map": bytes(packed(place)).decode("latin1")}, "expr": COLUMN}}
    ),
    "a pickled reduction": lambda place: called(
        {"ReduceHorizontal": {"callback": packed(place), "returns_scalar": False, "return_dtype": None}}
    ),
    "a pickled window": lambda place: called({"RollingExpr": {"function": {"Map": packed(place)}}}),
    "a pickled map": lambda place: expression(
        {"AnonymousFunction": {"input": [COLUMN], "function": packed(place)}}
    ),
    "a library of machine code": lambda place: called({"FfiPlugin": {"lib": str(place), "symbol": "run"}}),
}


def expression(plain: Any) -> dict[str, Any]:
    return {"op": "LambdaOp", "function": {"expression": plain}, "dtype": "float32"}


def called(function: Any) -> dict[str, Any]:
    return expression({"Function": {"input": [COLUMN], "function": function}})


@pytest.mark.parametrize("foreign", FOREIGN)
def test_loading_a_folder_from_elsewhere_runs_none_of_its_code(
    foreign: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NVTabular#1894: ``Workflow.load`` ran whatever code the folder held."""
    mark = tmp_path / "mark"
    (tmp_path / "foreign.py").write_text(f"import os\nos.mkdir({str(mark)!r})\ndef run(x):\n    return x\n")
    monkeypatch.syspath_prepend(tmp_path)
    Workflow(["age" >> ops.LogOp()]).fit(log()).save(tmp_path / "flow")
    path = tmp_path / "flow" / "workflow.json"
    plain = json.loads(path.read_text())
    plain["branches"][0]["ops"] = [FOREIGN[foreign](mark)]
    path.write_text(json.dumps(plain))
    with pytest.raises(DataError, match=r"workflow\.json"):
        Workflow.load(tmp_path / "flow")
    write_manifest(tmp_path / "flow")
    with pytest.raises((BundleError, ArgumentError), match=r"code from a module that|a Python function"):
        Workflow.load(tmp_path / "flow")
    assert not mark.exists()
    assert "foreign" not in sys.modules


def test_functions_within_expressions_are_not_written_either() -> None:
    """NVTabular#1894: what would run at loading is refused before it is saved."""
    for wrong in (
        pl.col("age").name.map(str.upper),
        pl.col("age").map_elements(abs, return_dtype=pl.Float64),
        pl.col("age").rolling_map(sum, 2),
        pl.fold(pl.lit(0), lambda a, b: a + b, [pl.col("age")]),
    ):
        with pytest.raises(ArgumentError, match="a Python function inside the expression"):
            ops.LambdaOp(wrong)
