"""Online Retail in two stages: towers find candidates, a ranker orders them, both are measured and shown."""

import sys

import shortlist as sl
from shortlist import ops, tags

epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 4
events = sl.datasets.online_retail()
past, _, test = sl.split.by_time(events, valid=None, test="28d")
early, _, window = sl.split.by_time(past, valid=None, test="56d")

# The towers learn from the early part: ids, and what the customer bought before.
history = ops.History("StockCode", max_length=50) >> ops.Categorify(like="StockCode")
flow = sl.Workflow([tags.any("id") >> ops.Categorify(), history]).fit(early)
towers = sl.TwoTower(flow.schema, dim=64, hidden=(128,), query=sl.TowerOptions(id_dropout=0.1))
softmax, options = sl.SampledSoftmax(temperature=0.1), sl.FitOptions(epochs=epochs, batch_size=1024)
print(sl.fit(towers, flow.transform(early), softmax, options=options))

# Candidates: what the towers find, what the customer bought before, what is popular now.
state = sl.State(past)
index = sl.build_index(towers, flow, state)
found = sl.Retrieve(towers, index, flow=flow, k=200, trained_until=early.times()[1] + 1)
sources = sl.Merge(found, sl.Repeats(200), sl.Popular(100, window="30d"))

# The ranker learns from the weeks after: which candidates were bought, with what was known at the moment.
counts = [ops.AsOf("pair"), ops.AsOf("user"), ops.AsOf("item", window="30d"), ops.AsOf("item", window="7d")]
ages = [ops.AsOf("pair", "days_since"), ops.AsOf("item", "days_since")]
asked = sl.Pipeline([sources], state=state)
four_weeks = 28 * 86_400 * 10**6  # microseconds
examples = sl.ranking_examples(asked, window, histories=[*counts, *ages], negatives=30, window_us=four_weeks)
ranking = sl.Workflow(
    [
        *(count >> ops.LogOp() >> ops.Normalize() for count in counts),
        *(age >> ops.FillMissing(400.0) >> ops.LogOp() >> ops.Normalize() for age in ages),
        "retrieval_score" >> ops.FillMissing(0.0) >> ops.Normalize(),
    ]
).fit(examples)
ranker = sl.DCN(ranking.schema, dim=8, layers=1, hidden=(64, 32))
print(sl.fit(ranker, ranking.transform(examples), options=sl.FitOptions(epochs=3, batch_size=1024)))

pipe = sl.Pipeline([sources, sl.Score(ranker, ranking), sl.Take(10)], state=state)
print(pipe.check())
print(sl.evaluate(pipe, test, split="by time, test 28 days"))
customers = test.collect()["CustomerID"].unique(maintain_order=True)[:2].to_list()
print(pipe.recommend(customers, k=5, columns=["Description"]))
