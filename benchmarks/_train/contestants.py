"""The same towers and loss on plain PyTorch and on Shortlist, a step at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.nn import functional

from _train.data import DIM, HIDDEN, ITEM_TABLES, TEMPERATURE, USER_TABLES, Log
from shortlist.losses import SharedQueries, sampled_softmax
from shortlist.nn import (
    MLP,
    EmbeddingTables,
    RowWiseAdagrad,
    dense_parameters,
    each_once,
    l2_normalize,
    mixed_precision,
)
from shortlist.samplers import InBatch, Population, Sampler

PHASES = ("forward", "backward", "optimizer")


@dataclass(frozen=True)
class Contestant:
    """Seconds of each phase of a step on a batch of row numbers; and the vectors of both sides of one."""

    step: Callable[[Tensor], tuple[float, ...]]
    encode: Callable[[Tensor], tuple[Tensor, Tensor]]


class _PlainTower(nn.Module):
    def __init__(self, sizes: list[int], *, sparse: bool) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(size, DIM, sparse=sparse) for size in sizes)
        self.mlp = nn.Sequential(nn.Linear(DIM * len(sizes), HIDDEN[0]), nn.ReLU(), nn.Linear(*HIDDEN))
        for table in self.tables:
            nn.init.normal_(table.weight, std=0.05)

    def forward(self, codes: Tensor) -> Tensor:
        features = [table(codes[:, column]) for column, table in enumerate(self.tables)]
        return functional.normalize(self.mlp(torch.cat(features, 1)), dim=1)


def plain(log: Log, *, sparse: bool) -> Contestant:
    """Sliced tensors, one nn.Embedding a feature, in-batch softmax with logQ, float32.

    Dense: fused Adam on everything. Sparse: SparseAdam on the tables, fused Adam on the rest.
    """
    user_sizes, item_sizes = log.sizes()
    towers = _PlainTower(user_sizes, sparse=sparse), _PlainTower(item_sizes, sparse=sparse)
    users, items = torch.from_numpy(log.users), torch.from_numpy(log.items)
    user_table, item_table = torch.from_numpy(log.user_table), torch.from_numpy(log.item_table)
    log_q = torch.from_numpy(log.shares).log()
    tables = [table.weight for tower in towers for table in tower.tables]
    dense = [one for tower in towers for one in tower.mlp.parameters()]
    optimizers = (
        [torch.optim.SparseAdam(tables, lr=1e-3), torch.optim.Adam(dense, lr=1e-3, fused=True)]
        if sparse
        else [torch.optim.Adam([*tables, *dense], lr=1e-3, fused=True)]
    )

    def encode(batch: Tensor) -> tuple[Tensor, Tensor]:
        return towers[0](user_table[users[batch]]), towers[1](item_table[items[batch]])

    def step(batch: Tensor) -> tuple[float, ...]:
        start = perf_counter()
        queries, vectors = encode(batch)
        logits = queries @ vectors.T / TEMPERATURE - log_q[items[batch]]
        loss = functional.cross_entropy(logits, torch.arange(len(batch)))
        return _backward_and_step(loss, optimizers, start)

    return Contestant(step, encode)


class _Tower(nn.Module):
    def __init__(self, tables: EmbeddingTables, names: list[str]) -> None:
        super().__init__()
        self.tables, self.names = tables, names
        self.mlp = MLP(DIM * len(names), HIDDEN)

    def forward(self, codes: Tensor) -> Tensor:
        return l2_normalize(self.mlp(self.tables.lookup_many(self.names, codes).flatten(1)))


def ours(log: Log, precision: str) -> Contestant:
    """One matrix of tables, row-wise Adagrad on touched rows, one-pass softmax, each user and item of a batch
    once."""
    names = [list(USER_TABLES), list(ITEM_TABLES)]
    sizes = [size for side in log.sizes() for size in side]
    tables = EmbeddingTables(dict(zip(names[0] + names[1], sizes, strict=True)), DIM)
    towers = nn.ModuleList([_Tower(tables, part) for part in names])
    users, items = torch.from_numpy(log.users), torch.from_numpy(log.items)
    user_table, item_table = torch.from_numpy(log.user_table), torch.from_numpy(log.item_table)
    population = Population.from_log(
        log.users, log.items, users_total=len(log.user_table), items_total=len(log.item_table)
    )
    sampler = Sampler(InBatch(), population, seed=0)
    optimizers = [
        RowWiseAdagrad(tables, lr=0.05),
        torch.optim.Adam(dense_parameters(towers), lr=1e-3, fused=True),
    ]

    def step(batch: Tensor) -> tuple[float, ...]:
        start = perf_counter()
        negatives = sampler.sample(items[batch])
        weights, positive_weights = negatives.log_weights()
        distinct, place = each_once(users[batch])
        with mixed_precision(precision):
            queries = SharedQueries(towers[0](user_table[users[batch[distinct]]]), place)
            vectors = towers[1](item_table[negatives.codes])
            loss = sampled_softmax(
                queries,
                vectors.index_select(0, negatives.positives),
                vectors,
                temperature=TEMPERATURE,
                log_weights=weights,
                positive_log_weights=positive_weights,
                exclude=negatives.exclude,
            )
        return _backward_and_step(loss, optimizers, start)

    def encode(batch: Tensor) -> tuple[Tensor, Tensor]:
        return towers[0](user_table[users[batch]]), towers[1](item_table[items[batch]])

    return Contestant(step, encode)


def _backward_and_step(
    loss: Tensor, optimizers: list[torch.optim.Optimizer], start: float
) -> tuple[float, ...]:
    forward = perf_counter()
    for optimizer in optimizers:
        optimizer.zero_grad()
    loss.backward()
    backward = perf_counter()
    for optimizer in optimizers:
        optimizer.step()
    return forward - start, backward - forward, perf_counter() - backward


CONTESTANTS: dict[str, Callable[[Log], Contestant]] = {
    "plain PyTorch, dense fused Adam": lambda log: plain(log, sparse=False),
    "plain PyTorch, SparseAdam + fused Adam": lambda log: plain(log, sparse=True),
    "Shortlist, float32": lambda log: ours(log, "float32"),
    "Shortlist, bfloat16": lambda log: ours(log, "bfloat16"),
}


@torch.no_grad()
def held_out_loss(log: Log, batch: Tensor, contestant: Contestant) -> float:
    """The loss of everybody by its definition; other columns of a row's own item are left out."""
    queries, vectors = contestant.encode(batch)
    items = torch.from_numpy(log.items)[batch]
    logits = queries @ vectors.T / TEMPERATURE - torch.from_numpy(log.shares).log()[items]
    same = (items[:, None] == items).fill_diagonal_(False)
    return functional.cross_entropy(logits.masked_fill(same, -torch.inf), torch.arange(len(batch))).item()
