"""The two-tower on synthetic Ali-CCP clicks: full-catalogue recall@10, each held-out click one query."""

import sys
import warnings

import polars as pl

import shortlist as sl
from shortlist import ops, tags

rows, seed = map(int, sys.argv[1:] or (1_000_000, 0))
clicks = sl.datasets.aliccp(rows, seed).filter(pl.col("click") == 1)
train, _, test = sl.split.by_time(clicks, valid=None, test=0.2)
flow = sl.Workflow([tags.any("user", "item") >> ops.Categorify()]).fit(train)
model = sl.TwoTower(flow.schema, dim=64, hidden=(128,), seed=seed)
# Everybody here clicks what is popular: a user's other clicks are the only negatives that teach popularity.
objective = sl.SampledSoftmax(temperature=0.2, mask_known=False)
# For the same reason all queries end near one vector, of which `fit` warns: here it is the truth.
warnings.filterwarnings("ignore", "fit: the query vectors have collapsed")
sl.fit(model, flow.transform(train), objective, options=sl.FitOptions(epochs=3, batch_size=4096, seed=seed))
state = sl.State(train)
index = sl.build_index(model, flow, state)
pipe = sl.Pipeline([sl.Retrieve(model, index, flow=flow), sl.Take(10)], state=state)
print(sl.evaluate(pipe, test, metrics=("recall@10", "mrr@10", "ndcg@10"), seen="keep", queries="event"))
