"""Texts as columns of vectors: caches, workflows, files."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from shortlist.data import Batch, Ragged
from shortlist.errors import ArgumentError, DataError, SchemaError
from shortlist.features import Workflow, embed_texts, ops, write_vectors
from shortlist.features.text import Embedder, open_embedder, open_text_encoder, read_text_model
from shortlist.features.text._recent import Recent
from shortlist.features.text._vector_files import VectorFiles
from shortlist.io import Dataset
from shortlist.schema import LIST, Column, Schema, Shape, Tags
from shortlist.testing._texts import tiny_text_model

SCHEMA = Schema([Column("title", "string", ("item", "text")), Column("tags", "string", ("item",), LIST)])
ROWS = pl.DataFrame({"title": ["red shoes", None, "", "blue hat", "red shoes"], "tags": [["a"]] * 5})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_text_model(tmp_path_factory.mktemp("text") / "model")


class Counting:
    """An encoder that says what it was asked for; the vector of a text is its length."""

    dim = 1

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.lock = threading.Lock()

    def encode(self, texts: list[str]) -> Any:
        with self.lock:
            self.asked += texts
        return np.array([[len(text)] for text in texts], np.float32)


def counting(size: int = 10, files: VectorFiles | None = None) -> tuple[Counting, Embedder]:
    encoder: Any = Counting()
    return encoder, Embedder(encoder, Recent(size), files)


def test_each_distinct_text_is_encoded_once() -> None:
    encoder, embedder = counting()
    assert embedder.embed(["a", None, "bb", "a", "", " \n", "bb"]).tolist() == [
        [1],
        [0],
        [2],
        [1],
        [0],
        [0],
        [2],
    ]
    assert embedder.embed(["bb", "ccc"]).tolist() == [[2], [3]]
    assert encoder.asked == ["a", "bb", "ccc"]
    assert embedder.embed([]).shape == (0, 1)
    assert embedder.embed([float("nan")]).tolist() == [[0]]  # type: ignore[list-item]


def test_memory_is_bounded_and_the_latest_stay() -> None:
    encoder, embedder = counting(size=2)
    embedder.embed(["a", "b"])
    embedder.embed(["a"])
    embedder.embed(["c"])
    embedder.embed(["a", "b"])
    assert encoder.asked == ["a", "b", "c", "b"]
    assert len(embedder._recent) == 2


def test_vectors_on_disk_are_shared_and_outlive_the_process(tmp_path: Path) -> None:
    first, one = counting(files=VectorFiles(tmp_path / "cache", 1))
    second, other = counting(files=VectorFiles(tmp_path / "cache", 1))
    one.embed(["a", "bb"])
    assert other.embed(["bb", "ccc", "a"]).tolist() == [[2], [3], [1]]  # written after it was opened
    assert (first.asked, second.asked) == (["a", "bb"], ["ccc"])
    third, again = counting(files=VectorFiles(tmp_path / "cache", 1))
    again.embed(["a", "bb", "ccc"])
    assert third.asked == []
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".arrow"] * 2


def test_the_request_path_leaves_the_disk_alone(tmp_path: Path) -> None:
    encoder, embedder = counting(files=VectorFiles(tmp_path / "cache", 1))
    embedder.embed(["a"], on_disk=False)
    assert encoder.asked == ["a"]
    assert not (tmp_path / "cache").exists()


def test_many_threads_share_one_embedder(tmp_path: Path) -> None:
    _, embedder = counting(size=3, files=VectorFiles(tmp_path / "cache", 1))
    asked = [["x" * ((n * k) % 7 + 1) for k in range(5)] for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        for texts, found in zip(asked, pool.map(embedder.embed, asked), strict=True):
            assert found[:, 0].tolist() == [len(text) for text in texts]


def test_vectors_are_found_by_their_whole_key(tmp_path: Path) -> None:
    files = VectorFiles(tmp_path, 2)
    files.add(np.array([[5, 1], [3, 2]], np.uint64), np.array([[1, 2], [3, 4]], np.float32))
    found, known = files.find(np.array([[3, 2], [5, 9], [5, 1], [4, 2], [9, 9]], np.uint64))
    assert known.tolist() == [True, False, True, False, False]
    assert found[known].tolist() == [[3, 4], [1, 2]]
    assert files.find(np.zeros((0, 2), np.uint64))[0].shape == (0, 2)


@pytest.mark.parametrize("content", [b"", b"not arrow at all"])
def test_a_damaged_file_of_vectors_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.arrow").write_bytes(content)
    with pytest.raises(DataError, match=r"x\.arrow.*vectors of width 2 by key.*made anew"):
        VectorFiles(tmp_path, 2).find(np.zeros((1, 2), np.uint64))


def test_a_file_of_other_vectors_is_named(tmp_path: Path) -> None:
    VectorFiles(tmp_path, 3).add(np.array([[1, 1]], np.uint64), np.ones((1, 3), np.float32))
    with pytest.raises(DataError, match="damaged file"):
        VectorFiles(tmp_path, 2).find(np.zeros((1, 2), np.uint64))
    table = pa.table({"other": [1]})
    with pa.ipc.new_file(str(tmp_path / "y.arrow"), table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(DataError, match=r"y\.arrow"):
        VectorFiles(tmp_path, 3).find(np.zeros((1, 2), np.uint64))


def test_a_file_that_goes_away_is_not_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "glob", lambda self, _: [self / "gone.arrow"])
    _, known = VectorFiles(tmp_path, 2).find(np.zeros((1, 2), np.uint64))
    assert not known.any()


def test_a_text_becomes_a_vector_on_both_paths(model: Path) -> None:
    flow = Workflow(["title" >> ops.TextEmbed(model)]).fit(Dataset.of(ROWS, SCHEMA))
    (column,) = flow.schema
    assert (column.dtype, column.shape, column.tags) == (
        "float32",
        Shape("vector", 4),
        {Tags.ITEM, Tags.EMBEDDING},
    )
    offline = flow.transform(Dataset.of(ROWS, SCHEMA)).collect()["title"]
    assert offline.dtype == pl.Array(pl.Float32, 4)
    expected = open_text_encoder(read_text_model(model)).encode(["red shoes", "blue hat"])
    assert np.allclose(offline.to_numpy()[[0, 3, 4]], expected[[0, 1, 0]], atol=1e-6)
    assert offline.to_numpy()[[1, 2]].tolist() == [[0.0] * 4] * 2
    titles = np.array(["blue hat", None, float("nan")], dtype=object)
    online = flow.transform_batch(Batch({"title": titles}))["title"]
    assert isinstance(online, np.ndarray)
    assert online.dtype == np.float32
    assert np.allclose(online, [expected[1], [0] * 4, [0] * 4], atol=1e-5)


def test_a_workflow_serves_without_the_folder_of_its_model(tmp_path: Path) -> None:
    folder, data = tiny_text_model(tmp_path / "model"), Dataset.of(ROWS, SCHEMA)
    flow = Workflow(["title" >> ops.TextEmbed(folder, normalize=False, cache=tmp_path / "cache")]).fit(data)
    before = flow.transform(data).collect()
    cached = sorted((tmp_path / "cache").rglob("*.arrow"))
    flow.save(tmp_path / "flow")
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    loaded = Workflow.load(tmp_path / "flow")
    assert loaded.transform(data).collect().equals(before)
    loaded.warm_up()
    assert sorted((tmp_path / "cache").rglob("*.arrow")) == cached
    with pytest.raises(DataError, match="no ONNX graph"):
        loaded.fit(data)


def test_serving_loads_neither_torch_nor_what_reads_its_weights(model: Path, tmp_path: Path) -> None:
    Workflow(["title" >> ops.TextEmbed(model)]).fit(Dataset.of(ROWS, SCHEMA)).save(tmp_path / "flow")
    code = (
        "import sys, numpy as np; from shortlist.data import Batch; from shortlist.features import Workflow;"
        "flow = Workflow.load(sys.argv[1]);"
        "flow.transform_batch(Batch({'title': np.array(['red'], dtype=object)}));"
        "loaded = {name.split('.')[0] for name in sys.modules};"
        "print(loaded & {'torch', 'transformers', 'onnx', 'huggingface_hub'})"
    )
    asked = [sys.executable, "-c", code, str(tmp_path / "flow")]
    assert subprocess.run(asked, check=True, capture_output=True, text=True).stdout == "set()\n"


def test_columns_with_one_model_share_it(model: Path, tmp_path: Path) -> None:
    schema = Schema([Column("a", "string"), Column("b", "string")])
    data = Dataset.of(pl.DataFrame({"a": ["red"], "b": ["red"]}), schema)
    flow = Workflow([["a", "b"] >> ops.TextEmbed(model)]).fit(data)
    flow.save(tmp_path / "flow")
    assert len(list((tmp_path / "flow").glob("*.arrow"))) == 1
    out = Workflow.load(tmp_path / "flow").transform(data).collect()
    assert out["a"].to_list() == out["b"].to_list()


def test_every_option_changes_the_vectors(model: Path) -> None:
    texts = ["red shoes hat blue"]
    plain = embed_texts(texts, ops.TextEmbed(model))
    others = [
        ops.TextEmbed(model, pooling="max"),
        ops.TextEmbed(model, normalize=False),
        ops.TextEmbed(model, max_length=4),
        ops.TextEmbed(model, prefix="a "),
    ]
    for other in others:
        assert not np.allclose(embed_texts(texts, other), plain, atol=1e-3), other
    assert np.allclose(embed_texts(texts, ops.TextEmbed(model, threads=1)), plain, atol=1e-6)


def test_what_cannot_be_embedded(model: Path) -> None:
    data = Dataset.of(ROWS, SCHEMA)
    with pytest.raises(SchemaError, match=r"TextEmbed of column 'tags'.*one value a row"):
        Workflow(["tags" >> ops.TextEmbed(model)]).fit(data)
    with pytest.raises(SchemaError, match="values of type string"):
        Workflow(["n" >> ops.TextEmbed(model)]).fit(Dataset.of(pl.DataFrame({"n": [1]})))
    with pytest.raises(ArgumentError, match=r"TextEmbed\.threads"):
        ops.TextEmbed(model, threads=0)
    flow = Workflow(["title" >> ops.TextEmbed(model)]).fit(data)
    with pytest.raises(SchemaError, match="column 'title'"):
        flow.transform_batch(Batch({"title": Ragged.of([["a"]], object)}))


def test_vectors_pass_through_a_workflow_and_are_checked() -> None:
    schema = Schema([Column("v", "float64", ("item", "embedding"), Shape("vector", 2))])
    rows = pl.DataFrame({"v": [[1.0, 2.0], None]}, schema={"v": pl.Array(pl.Float64, 2)})
    flow = Workflow(["v"]).fit(Dataset.of(rows, schema))
    out = flow.transform(Dataset.of(rows.cast(pl.List(pl.Float64)), schema)).collect()
    assert out.equals(rows)
    vectors = np.array([[1.0, 2.0]])
    for given in (vectors, vectors.astype(np.float32), vectors.astype(int)):
        online = flow.transform_batch(Batch({"v": given}))["v"]
        assert isinstance(online, np.ndarray)
        assert (online.dtype, online.tolist()) == (np.float64, [[1.0, 2.0]])
    objects = np.empty(2, dtype=object)
    objects[:] = [[1, 2], None]
    online = flow.transform_batch(Batch({"v": objects}))["v"]
    assert np.array_equal(online, [[1, 2], [np.nan, np.nan]], equal_nan=True)  # type: ignore[arg-type]
    assert len(flow.transform_batch(Batch({"v": np.empty(0, dtype=object)}))) == 0
    objects[:] = [[1, 2], [3]]
    for wrong, told in (
        (objects, "vectors of several widths"),
        (np.zeros((1, 3)), r"shape \(1, 3\)"),
        (np.zeros(1), r"shape \(1,\)"),
        (np.array([["a", "b"]]), "an array of <U1"),
    ):
        with pytest.raises(SchemaError, match=told):
            flow.transform_batch(Batch({"v": wrong}))
    plain = Workflow(["x"]).fit(Dataset.of(pl.DataFrame({"x": [1.0]})))
    with pytest.raises(SchemaError, match="one value a row"):
        plain.transform_batch(Batch({"x": np.zeros((1, 2))}))


def test_vectors_are_written_with_their_ids(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = pl.DataFrame(
        {"id": ["i1", "i2", "i3"], "title": ["red", None, None], "about": ["hat", "blue", None]}
    )
    embed = ops.TextEmbed(model, cache=tmp_path / "cache")
    out = tmp_path / "new" / "vectors.parquet"
    data = Dataset.of([rows[:2], rows[:0], rows[2:]])
    assert write_vectors(data, out, id_column="id", text=["title", "about"], embed=embed, shown=True) == 3
    assert "of 3 texts" in capsys.readouterr().err
    found = pl.read_parquet(out)
    assert found.schema == {"id": pl.String, "vector": pl.Array(pl.Float32, 4)}
    assert found["id"].to_list() == ["i1", "i2", "i3"]
    assert np.allclose(found["vector"].to_numpy(), embed_texts(["red\nhat", "blue", None], embed), atol=1e-6)
    assert write_vectors(Dataset.of(rows[:0]), out, id_column="id", text="title", embed=embed) == 0
    assert pl.read_parquet(out).shape == (0, 2)
    assert [path.name for path in out.parent.iterdir()] == ["vectors.parquet"]


def test_vectors_that_cannot_be_written(model: Path, tmp_path: Path) -> None:
    data, embed = Dataset.of(pl.DataFrame({"id": [1], "n": [2], "s": ["a"]})), ops.TextEmbed(model)
    with pytest.raises(SchemaError, match=r"column 'n'.*one text a row"):
        write_vectors(data, tmp_path / "v.parquet", id_column="id", text="n", embed=embed)
    with pytest.raises(SchemaError, match="title"):
        write_vectors(data, tmp_path / "v.parquet", id_column="id", text="title", embed=embed)
    (tmp_path / "v.parquet").mkdir()
    with pytest.raises(DataError, match="a place with room for the vectors"):
        write_vectors(data, tmp_path / "v.parquet", id_column="id", text="s", embed=embed)
    assert [path.name for path in tmp_path.iterdir()] == ["v.parquet"]


def test_a_cache_that_cannot_be_written(model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    embedder = open_embedder(read_text_model(model), cache=tmp_path / "file")
    with pytest.raises(DataError, match="a place that can be written to"):
        embedder.embed(["red"])
