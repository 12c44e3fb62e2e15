"""A log whose truth is known: how much of what can be found at all does the two-tower find?"""

import sys

import shortlist as sl
from shortlist import ops, tags

rows, seed = map(int, sys.argv[1:] or (100_000, 0))
log = sl.datasets.planted(users=rows // 50, items=rows // 100, events=rows, seed=seed)
train, _, test = sl.split.by_time(log.events.join_tables(log.items, log.users), valid=None, test=0.2)
branches = [tags.any("categorical") >> ops.Categorify(), tags.any("continuous") >> ops.Normalize()]
flow = sl.Workflow(branches).fit(train)
model = sl.TwoTower(flow.schema, dim=64, seed=seed)
# What was taken is taken again in this log, so a user's known items are compared with each other too.
objective = sl.SampledSoftmax(temperature=0.2, mask_known=False)
sl.fit(model, flow.transform(train), objective, options=sl.FitOptions(epochs=10, batch_size=1024, seed=seed))
state = sl.State(train)
pipe = sl.Pipeline(
    [sl.Retrieve(model, sl.build_index(model, flow, state), flow=flow), sl.Take(10)], state=state
)
found = sl.evaluate(pipe, test, metrics=("recall@10",), seen="keep", queries="event")
users = test.collect()["user_id"].to_numpy()
oracle, popular = log.truth.oracle_recall(users), log.truth.popularity_recall(users)
print(found)
print(f"recall@10 of the oracle {oracle:.4f}, of the best list for all {popular:.4f}")
print(f"the two-tower reaches {found.of('pipeline', 'recall@10') / oracle:.1%} of the oracle")
