from datetime import datetime

import numpy as np
import polars as pl
import pytest

from shortlist.data import Batch, Ragged
from shortlist.errors import ArgumentError, BundleError, DataError, NotFittedError, SchemaError
from shortlist.features import Branch, Workflow, engine, ops
from shortlist.io import Dataset
from shortlist.schema import LIST, Column, Schema, select, tags

SCHEMA = Schema(
    [
        Column("user_id", "string", ("user", "id")),
        Column("item_id", "int64", ("item", "id")),
        Column("price", "float64", ("item", "continuous")),
        Column("topics", "string", ("item", "categorical"), LIST),
        Column("time", "datetime", ("time",)),
        Column("click", "int64", ("target", "binary")),
        Column("weight", "float32", ("weight",)),
    ]
)
FRAME = pl.DataFrame(
    {
        "user_id": ["a", "b", None],
        "item_id": [7, 8, 7],
        "price": [1.0, None, 3.0],
        "topics": [["t"], None, ["u", None]],
        "time": [datetime(2024, 1, day) for day in (1, 2, 3)],
        "click": [1, 0, 1],
        "weight": pl.Series([1.0, 1.0, 2.0], dtype=pl.Float32),
    }
)
DATA = Dataset.of(FRAME, SCHEMA)


def flow() -> Workflow:
    return Workflow(
        [
            tags.any("id", "categorical") >> ops.Categorify(),
            tags.any("continuous") >> ops.FillMissing(0.0) >> ops.Normalize(),
        ]
    )


def test_columns_that_pass_and_columns_that_do_not() -> None:
    fitted = flow().fit(DATA)
    assert fitted.schema.names == ("user_id", "item_id", "topics", "price", "time", "click", "weight")
    out = fitted.transform(DATA).collect()
    assert out.select("time", "click", "weight").equals(FRAME.select("time", "click", "weight"))
    assert out["topics"].to_list() == [[3], [], [4, 1]]
    assert out.schema["price"] == pl.Float32
    assert Workflow(["price"]).fit(DATA).schema.names == ("price", "time", "click", "weight")


def test_partitions_and_rows_keep_their_order() -> None:
    parts = Dataset.of([FRAME[:1], FRAME[1:1], FRAME[1:]], SCHEMA)
    out = flow().fit(parts).transform(parts)
    assert [len(part.collect()) for part in out.partitions] == [1, 0, 2]
    assert out.collect().equals(flow().fit(DATA).transform(DATA).collect())


def test_transform_reads_nothing_before_it_is_collected() -> None:
    fitted = flow().fit(DATA)

    def fail(frame: pl.DataFrame) -> pl.DataFrame:
        raise AssertionError

    lazy = DATA.map(lambda part: part.map_batches(fail, schema=FRAME.schema), SCHEMA)
    assert fitted.transform(lazy).schema == fitted.schema


def test_as_many_passes_as_the_longest_chain_of_fitted_ops(tmp_path) -> None:
    passes = []

    class Counting:
        memory = 10**9

        def scratch(self):
            return tmp_path

        def map(self, change, partitions):
            return engine.Local().map(change, partitions)

        def map_reduce(self, measure, merge, partitions):
            passes.append(len(partitions))
            return engine.Local().map_reduce(measure, merge, partitions)

        def shuffle(self, partitions, key, count):
            return engine.Local().shuffle(partitions, key, count)

    flow().fit(DATA, engine=Counting())
    assert passes == [1]
    passes.clear()
    deep = [
        "price" >> ops.Normalize() >> ops.Normalize(),
        "item_id" >> ops.Categorify(),
        ops.History() >> ops.Categorify(like="item_id"),
    ]
    Workflow(deep).fit(DATA, engine=Counting())
    assert passes == [1, 1]
    passes.clear()
    Workflow(["item_id" >> ops.Categorify(vocabularies={"item_id": [7]})]).fit(DATA, engine=Counting())
    assert passes == []


def test_request_path_with_missing_columns_and_no_rows() -> None:
    fitted = flow().fit(DATA)
    one = fitted.transform_batch(Batch({"user_id": np.array(["b"], dtype=object), "unused": np.array([1])}))
    assert {name: column.tolist() for name, column in one.items()} == {"user_id": [4]}
    none = fitted.transform_batch(
        Batch({"user_id": np.zeros(0, object), "price": np.zeros(0), "topics": Ragged.empty(0, object)})
    )
    assert (len(none), none["price"].dtype, none["user_id"].dtype) == (0, np.float32, np.int64)
    assert len(none["topics"]) == 0
    assert len(fitted.transform_batch(Batch({}, rows=4))) == 4


def test_targets_pass_through_the_request_path_with_their_side() -> None:
    fitted = flow().fit(DATA)
    batch = Batch(
        {"item_id": np.array([7, 8]), "click": np.array([1, 0]), "user_id": np.array(["a"], dtype=object)},
        query=("user_id",),
        query_of=np.zeros(2, int),
    )
    out = fitted.transform_batch(batch)
    assert out["click"].tolist() == [1, 0]
    assert out.query == {"user_id"}


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ({"topics": np.array(["t"], dtype=object)}, "Ragged.of"),
        ({"item_id": Ragged.of([[7]])}, "one value a row"),
        ({"item_id": np.array(["7"])}, "values of type int64"),
        ({"user_id": np.array([7])}, "values of type string"),
        ({"price": np.array(["x"])}, "values of type float64"),
    ],
)
def test_batch_columns_of_another_type_are_refused(columns, match) -> None:
    with pytest.raises(SchemaError, match=match):
        flow().fit(DATA).transform_batch(Batch(columns))


def test_times_of_any_kind_are_accepted_as_raw_columns() -> None:
    fitted = Workflow([select.names("time")]).fit(DATA)
    day = np.array(["2024-01-01"], dtype="datetime64[D]")
    assert fitted.transform_batch(Batch({"time": day}))["time"].tolist() == [1_704_067_200_000_000]


def test_unknown_columns_are_named_with_near_ones() -> None:
    with pytest.raises(SchemaError, match="did you mean 'price'"):
        Workflow(["prize" >> ops.Normalize()]).fit(DATA)
    with pytest.raises(SchemaError, match="data without column 'topics'"):
        flow().fit(DATA).transform(DATA.select(["user_id", "item_id", "price"]))


def test_names_given_twice_are_refused() -> None:
    twice = ["price" >> ops.Normalize(), "price" >> ops.Bucketize([1.0])]
    with pytest.raises(ArgumentError, match=r"Rename\(suffix"):
        Workflow(twice).fit(DATA)
    apart = [twice[0], "price" >> ops.Bucketize([1.0]) >> ops.Rename(suffix="_bucket")]
    assert Workflow(apart).fit(DATA).schema.names[:2] == ("price", "price_bucket")


def test_what_cannot_stand_in_a_workflow() -> None:
    with pytest.raises(ArgumentError, match="Workflow"):
        Workflow([3])
    assert Workflow([["price", "item_id"]]).fit(DATA).schema.names[:2] == ("price", "item_id")
    with pytest.raises(ArgumentError, match="columns >> op"):
        [3] >> ops.Normalize()


def test_branches_are_plain_values() -> None:
    branch = ["a", ["b", "c"]] >> ops.Categorify() >> ops.Rename(suffix="_code")
    assert isinstance(branch, Branch)
    assert branch.chosen == ("a", ("b", "c"))
    assert [type(op).__name__ for op in branch.ops] == ["Categorify", "Rename"]


@pytest.mark.parametrize(
    "use",
    [
        lambda flow: flow.transform(DATA),
        lambda flow: flow.transform_batch(Batch({})),
        lambda flow: flow.decode("user_id", [3]),
        lambda flow: flow.schema,
        lambda flow: flow.coverage(),
        lambda flow: flow.save("nowhere"),
    ],
)
def test_use_before_fit(use) -> None:
    with pytest.raises(NotFittedError, match="call fit first"):
        use(flow())


def test_save_replaces_and_load_warms_up(tmp_path) -> None:
    fitted = flow().fit(DATA)
    fitted.save(tmp_path / "flow")
    fitted.save(tmp_path / "flow")
    loaded = Workflow.load(tmp_path / "flow")
    loaded.warm_up()
    assert loaded.decode("item_id", [3, 4]) == [7, 8]
    assert loaded.vocabulary("item_id").equals(fitted.vocabulary("item_id"))


def test_a_shared_vocabulary_is_saved_once(tmp_path) -> None:
    shared = Workflow([ops.History() >> ops.Categorify(like="item_id"), "item_id" >> ops.Categorify()]).fit(
        DATA
    )
    shared.save(tmp_path / "flow")
    assert len(list((tmp_path / "flow").glob("*.arrow"))) == 1
    loaded = Workflow.load(tmp_path / "flow")
    assert loaded.transform(DATA).collect().equals(shared.transform(DATA).collect())


def test_damaged_folders(tmp_path) -> None:
    folder = tmp_path / "flow"
    flow().fit(DATA).save(folder)
    arrow = next(folder.glob("*.arrow"))
    whole = arrow.read_bytes()
    arrow.write_bytes(whole[:-1] + b"?")
    with pytest.raises(DataError, match=arrow.name):
        Workflow.load(folder)
    arrow.unlink()
    with pytest.raises(DataError, match=arrow.name):
        Workflow.load(folder)
    with pytest.raises(DataError, match=r"manifest\.json"):
        Workflow.load(tmp_path / "nothing")


def rewritten(folder, old: str, new: str) -> None:
    from shortlist.io import write_manifest

    path = folder / "workflow.json"
    path.write_text(path.read_text().replace(old, new))
    write_manifest(folder)


def test_folders_of_another_version_and_unknown_ops(tmp_path) -> None:
    flow().fit(DATA).save(tmp_path / "flow")
    rewritten(tmp_path / "flow", '"op": "Normalize"', '"op": "Normalise"')
    with pytest.raises(BundleError, match="did you mean 'Normalize'"):
        Workflow.load(tmp_path / "flow")
    rewritten(tmp_path / "flow", '"format": 2', '"format": 3')
    with pytest.raises(BundleError, match="format 3"):
        Workflow.load(tmp_path / "flow")


def test_files_outside_of_the_folder_are_refused(tmp_path) -> None:
    flow().fit(DATA).save(tmp_path / "flow")
    arrow = next((tmp_path / "flow").glob("*.arrow")).name
    rewritten(tmp_path / "flow", f'"{arrow}"', f'"../{arrow}"')
    with pytest.raises(BundleError, match="a file of the folder"):
        Workflow.load(tmp_path / "flow")


def test_one_column_in_several_groups_of_a_branch(tmp_path) -> None:
    pairs = [["user_id", "item_id"], ["user_id", "click"]] >> ops.HashedCross(50)
    fitted = Workflow([pairs]).fit(DATA)
    out = fitted.transform(DATA).collect()
    assert out.columns[:2] == ["user_id_X_item_id", "user_id_X_click"]
    batch = fitted.transform_batch(
        Batch(
            {"user_id": np.array(["a", "b"], object), "item_id": np.array([7, 8]), "click": np.array([1, 0])}
        )
    )
    for name in out.columns[:2]:
        assert batch[name].tolist() == out[name].to_list()[:2]
    fitted.save(tmp_path / "flow")
    assert Workflow.load(tmp_path / "flow").transform(DATA).collect().equals(out)


def test_an_op_that_cannot_be_read_back_is_not_saved(tmp_path) -> None:
    class Mine(ops.Op):
        def make(self, inputs, state):
            return ops.Rename(suffix="_m").make(inputs, state)

        def transform(self, step, state, columns):
            return {f"{name}_m": column * 2 for name, column in columns.items()}

        def transform_batch(self, step, state, columns):
            return {f"{name}_m": column * 2 for name, column in columns.items()}

    fitted = Workflow(["price" >> Mine()]).fit(DATA)
    assert fitted.transform(DATA).collect()["price_m"].to_list() == [2.0, None, 6.0]
    with pytest.raises(ArgumentError, match="can be imported by its name"):
        fitted.save(tmp_path / "flow")
    assert not (tmp_path / "flow").exists()


def test_numpy_options_are_saved(tmp_path) -> None:
    fitted = Workflow(["price" >> ops.FillMissing(np.float64(2.5)) >> ops.Clip(np.int64(1))]).fit(DATA)
    fitted.save(tmp_path / "flow")
    assert Workflow.load(tmp_path / "flow").transform(DATA).collect()["price"].to_list() == [1.0, 2.5, 3.0]


def test_empty_choice_of_columns() -> None:
    fitted = Workflow([tags.any("nothing") >> ops.Normalize()]).fit(DATA)
    assert fitted.schema.names == ("time", "click", "weight")
    assert fitted.coverage().is_empty()


def test_engine_options_and_errors(tmp_path) -> None:
    with pytest.raises(ArgumentError, match=r"Local\.threads"):
        engine.Local(threads=0)
    with pytest.raises(ArgumentError, match="no partitions"):
        engine.Local().map_reduce(lambda part: 1, lambda a, b: a + b, [])
    for threads in (1, 3):
        order = engine.Local(threads=threads).map_reduce(lambda n: [n], lambda a, b: a + b, list(range(7)))
        assert order == list(range(7))
    shuffled = engine.Local(scratch=tmp_path).shuffle([pl.LazyFrame({"k": [1]})], "k", 2)
    assert sum(len(part.collect()) for part in shuffled) == 1
    assert list(tmp_path.iterdir())


def test_columns_that_share_a_vocabulary_are_looked_up_apart() -> None:
    frame = pl.DataFrame({"seller": ["a", "b", "c"], "buyer": ["c", "c", "a"], "agent": ["b", "a", "a"]})
    for branches in (
        [[["seller", "buyer"]] >> ops.Categorify(), "agent"],
        ["seller" >> ops.Categorify(), "buyer" >> ops.Categorify(like="seller"), "agent"],
    ):
        fitted = Workflow(branches).fit(Dataset.of(frame))
        offline = fitted.transform(Dataset.of(frame)).collect()
        batch = fitted.transform_batch(Batch({c.name: np.array(c.to_list(), object) for c in frame}))
        for name in ("seller", "buyer"):
            assert batch[name].tolist() == offline[name].to_list()
            assert fitted.decode(name, batch[name]) == frame[name].to_list()
