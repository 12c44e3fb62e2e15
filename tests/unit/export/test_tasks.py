"""A ranker of several targets in a pipeline, and in its bundle."""

import polars as pl

import shortlist as sl
from shortlist import ops
from shortlist.io import Dataset


def test_a_combination_of_targets_is_served_from_a_bundle_as_it_is_here(tmp_path):
    log = sl.datasets.planted(users=60, items=30, events=1_500, groups=3)
    events = log.events.join_tables(log.items, log.users)
    early, window, _ = sl.split.by_time(events, valid="10d", test="10d")
    state = sl.State(early, items=log.items, users=log.users)
    sources = [sl.Merge(sl.Repeats(10), sl.Popular(20))]
    counts = [ops.AsOf("pair"), ops.AsOf("item")]
    pipe = sl.Pipeline(sources, state=sl.State(sl.concat([early, window]), items=log.items, users=log.users))
    examples = sl.ranking_examples(
        pipe, window, histories=counts, negatives=None, window_us=10**12, allow_leak=True
    )
    flow = sl.Workflow([*(op >> ops.LogOp() for op in counts), ["category"] >> ops.Categorify()]).fit(
        examples
    )
    schema = flow.schema.merge([sl.Column("soon", "float32", ("target", "binary"))])
    rows = flow.transform(examples).collect().with_columns(soon=pl.col("label").cast(pl.Float32) * 0.5)
    model = sl.MMoE(schema, dim=4, hidden=(8,), experts=2)
    sl.fit(model, Dataset.of(rows, schema), sl.TaskLosses(), options=sl.FitOptions(epochs=2, batch_size=128))

    def scored(**options):
        return sl.Pipeline([*sources, sl.Score(model, flow=flow, **options)], state=state)

    both = scored(weights={"label": 1.0, "soon": 2.0}, by="product")
    bundle = sl.save(both, tmp_path / "bundle")
    here = both.recommend([0, 1, None], k=4)
    there = sl.load(bundle).recommend([0, 1, None], k=4)
    assert there["item"].to_list() == here["item"].to_list()
    assert (there["score"] - here["score"]).abs().max() < 1e-6
    known = [
        dict(zip(found["item"].to_list(), found["score"].to_list(), strict=True))
        for found in (scored(target=name).recommend([0], k=30) for name in model.targets)
    ]
    for item, score in here.filter(user=0).select("item", "score").iter_rows():
        assert abs(known[0][item] * known[1][item] ** 2 - score) < 1e-6
