"""The two-tower on synthetic Ali-CCP clicks: full-catalogue recall@10, each validation click one query."""

import shortlist as sl
from shortlist import ops, tags

events = sl.datasets.aliccp(rows=1_000_000, seed=0)
train, _, valid = sl.split.by_time(events, valid=None, test=0.2)
flow = sl.Workflow([tags.any("id", "categorical") >> ops.Categorify()]).fit(train)
model = sl.TwoTower(flow.schema, dim=64, hidden=(128, 64))
objective = sl.SampledSoftmax(temperature=1.0, negatives=sl.InBatch())
sl.fit(model, flow.transform(train), objective, options=sl.FitOptions(epochs=3, batch_size=4096, seed=0))
state = sl.State(train)
index = sl.build_index(model, flow, state)
pipe = sl.Pipeline([sl.Retrieve(model, index, flow=flow, k=100), sl.Take(10)], state=state)
print(sl.evaluate(pipe, valid, metrics=("recall@10", "mrr@10", "ndcg@10"), queries="event", baselines=False))
