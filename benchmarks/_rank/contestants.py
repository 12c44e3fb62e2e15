"""One step of training of the same ranker, in plain PyTorch and in Shortlist."""

from collections.abc import Callable
from time import perf_counter, process_time

import torch
from torch import Tensor
from torch.nn import functional

from _rank.data import BOTTOM, CROSSES, DIM, HIDDEN, Clicks
from _rank.plain import plain
from shortlist.data import Batch
from shortlist.models import ranking
from shortlist.nn import RowWiseAdagrad, RowWiseAdam, dense_parameters, mixed_precision, sparse_tables

Step = Callable[[Tensor], tuple[float, ...]]
OURS = {
    "DLRM": lambda schema: ranking.DLRM(schema, dim=DIM, hidden=HIDDEN, bottom=BOTTOM),
    "DCN-v2": lambda schema: ranking.DCN(schema, dim=DIM, hidden=HIDDEN, layers=CROSSES),
    "DeepFM": lambda schema: ranking.DeepFM(schema, dim=DIM, hidden=HIDDEN),
}
CONTESTANTS = (
    "plain PyTorch, fused Adam",
    "shortlist, float32",
    "shortlist, bfloat16",
    "shortlist, bfloat16, Adagrad",
)


def contestant(kind: str, name: str, clicks: Clicks) -> Step:
    """A step on row numbers: seconds of forward, backward and optimizer, and processor seconds of all."""
    return _plain(name, clicks) if kind == CONTESTANTS[0] else _ours(kind, name, clicks)


def _plain(name: str, clicks: Clicks) -> Step:
    model = plain(name, clicks)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def step(rows: Tensor) -> tuple[float, ...]:
        columns, labels = clicks.take(rows)
        start = perf_counter(), process_time()
        loss = functional.binary_cross_entropy_with_logits(model(columns), labels)
        return _timed(loss, [optimizer], start)

    return step


def _ours(kind: str, name: str, clicks: Clicks) -> Step:
    model = OURS[name](clicks.schema)
    rows_of = RowWiseAdagrad if "Adagrad" in kind else RowWiseAdam
    optimizers = [
        rows_of(sparse_tables(model), lr=1e-3),
        torch.optim.AdamW(dense_parameters(model), lr=1e-3, weight_decay=0.0, fused=True),
    ]
    precision = "bfloat16" if "bfloat16" in kind else "float32"

    def step(rows: Tensor) -> tuple[float, ...]:
        columns, labels = clicks.take(rows)
        start = perf_counter(), process_time()
        with mixed_precision(precision):
            logits = model(Batch(columns, rows=len(rows)))["click"]
        loss = functional.binary_cross_entropy_with_logits(logits.float(), labels)
        return _timed(loss, optimizers, start)

    return step


def _timed(loss: Tensor, optimizers: list[torch.optim.Optimizer], start: float) -> tuple[float, ...]:
    forward = perf_counter()
    loss.backward()
    backward = perf_counter()
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad()
    wall, cpu = perf_counter(), process_time()
    return forward - start[0], backward - forward, wall - backward, cpu - start[1]
