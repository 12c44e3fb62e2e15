"""How fast does a two-tower train, against a competent plain PyTorch loop in the same run?

Ids follow a Zipf law over the full range of Ali-CCP-like vocabularies: 240k users, 380k items, 17 categorical
features. Both sides train the same towers on the same rows: in-batch softmax with logQ correction.

    python benchmarks/train_two_tower.py            # some minutes; writes benchmarks/results/
    python benchmarks/train_two_tower.py --small    # seconds; writes nothing
    python benchmarks/train_two_tower.py --threads 1  # where the machine is shared: threads wait for others

Each setting of the allocator runs in a process of its own, for both sides alike: the C library's default, and
``nn.keep_freed_memory()``, which ``fit`` uses.
"""

import argparse
import json
import platform
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from shortlist.losses import sampled_softmax
from shortlist.nn import (
    MLP,
    EmbeddingTables,
    RowWiseAdagrad,
    bf16_supported,
    dense_parameters,
    keep_freed_memory,
    l2_normalize,
    mixed_precision,
)
from shortlist.samplers import InBatch, Population, Sampler

USER_TABLES = {
    "user_id": 240_000,
    "user_shops": 95_000,
    "user_profile": 98,
    "user_group": 14,
    "user_gender": 3,
    "user_age": 8,
    "user_consumption_1": 4,
    "user_consumption_2": 4,
    "user_geography": 5,
    "user_intentions": 27_500,
    "user_brands": 47_200,
    "user_categories": 4_950,
}
ITEM_TABLES = {
    "item_id": 380_000,
    "item_category": 8_581,
    "item_shop": 74_600,
    "item_brand": 25_700,
    "item_intention": 11_900,
}
DIM, HIDDEN, TEMPERATURE = 64, (128, 64), 0.1
PHASES = ("forward", "backward", "optimizer")
Step = Callable[[Tensor], tuple[float, ...]]
Encode = Callable[[Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Log:
    """Rows of (user, item) codes; the other features are columns of the user and item tables."""

    users: Tensor
    items: Tensor
    user_table: Tensor
    item_table: Tensor


def zipf(rng: np.random.Generator, size: int, count: int) -> np.ndarray:
    """``count`` ranks below ``size`` whose probability falls as 1 / (rank + 1)."""
    shares = np.cumsum(1.0 / np.arange(1, size + 1))
    return np.searchsorted(shares, rng.random(count) * shares[-1]).astype(np.int64)


def make_log(rows: int, divisor: int, seed: int) -> Log:
    """A log in which half of the events fall in the user's own one of 16 groups of items."""
    rng = np.random.default_rng(seed)
    users, items = (
        zipf(rng, tables // divisor, rows) for tables in (USER_TABLES["user_id"], ITEM_TABLES["item_id"])
    )
    grouped = np.minimum(items - items % 16 + users % 16, ITEM_TABLES["item_id"] // divisor - 1)
    items = np.where(rng.random(rows) < 0.5, grouped, items)
    tables = []
    for sizes in (USER_TABLES, ITEM_TABLES):
        entities = next(iter(sizes.values())) // divisor
        columns = [zipf(rng, max(size // divisor, 3), entities) for size in list(sizes.values())[1:]]
        tables.append(torch.from_numpy(np.stack([np.arange(entities), *columns], 1)))
    return Log(torch.from_numpy(users), torch.from_numpy(items), *tables)


def sizes_of(table: Tensor) -> list[int]:
    return (table.amax(0) + 1).tolist()


class PlainTower(nn.Module):
    def __init__(self, sizes: list[int]) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(size, DIM) for size in sizes)
        self.mlp = nn.Sequential(nn.Linear(DIM * len(sizes), HIDDEN[0]), nn.ReLU(), nn.Linear(*HIDDEN))
        for table in self.tables:
            nn.init.normal_(table.weight, std=0.05)

    def forward(self, codes: Tensor) -> Tensor:
        features = [table(codes[:, column]) for column, table in enumerate(self.tables)]
        return functional.normalize(self.mlp(torch.cat(features, 1)), dim=1)


def plain(log: Log) -> tuple[Step, Encode]:
    """Sliced tensors, one nn.Embedding per feature, dense fused Adam, in-batch softmax, float32."""
    towers = PlainTower(sizes_of(log.user_table)), PlainTower(sizes_of(log.item_table))
    user_rows, item_rows = log.user_table[log.users], log.item_table[log.items]
    log_q = (torch.bincount(log.items) / len(log.items)).log()
    optimizer = torch.optim.Adam(nn.ModuleList(towers).parameters(), lr=1e-3, fused=True)

    def step(batch: Tensor) -> tuple[float, ...]:
        start = perf_counter()
        queries, items = towers[0](user_rows[batch]), towers[1](item_rows[batch])
        logits = queries @ items.T / TEMPERATURE - log_q[log.items[batch]]
        loss = functional.cross_entropy(logits, torch.arange(len(batch)))
        forward = perf_counter()
        optimizer.zero_grad()
        loss.backward()
        backward = perf_counter()
        optimizer.step()
        return forward - start, backward - forward, perf_counter() - backward

    return step, lambda batch: (towers[0](user_rows[batch]), towers[1](item_rows[batch]))


class Tower(nn.Module):
    def __init__(self, tables: EmbeddingTables, names: list[str]) -> None:
        super().__init__()
        self.tables, self.names = tables, names
        self.mlp = MLP(DIM * len(names), HIDDEN)

    def forward(self, codes: Tensor) -> Tensor:
        return l2_normalize(self.mlp(self.tables.lookup_many(self.names, codes).flatten(1)))


def ours(log: Log, precision: str) -> tuple[Step, Encode]:
    """One matrix of tables, row-wise Adagrad on touched rows, one-pass softmax, each item of a batch once."""
    names = [list(USER_TABLES), list(ITEM_TABLES)]
    sizes = sizes_of(log.user_table) + sizes_of(log.item_table)
    tables = EmbeddingTables(dict(zip(names[0] + names[1], sizes, strict=True)), DIM)
    towers = nn.ModuleList([Tower(tables, part) for part in names])
    population = Population.from_log(
        log.users, log.items, users_total=sizes[0], items_total=sizes[len(USER_TABLES)]
    )
    sampler = Sampler(InBatch(), population, seed=0)
    optimizers = (
        RowWiseAdagrad(tables, lr=0.05),
        torch.optim.Adam(dense_parameters(towers), lr=1e-3, fused=True),
    )

    def step(batch: Tensor) -> tuple[float, ...]:
        start = perf_counter()
        negatives = sampler.sample(log.items[batch])
        weights, positive_weights = negatives.log_weights()
        with mixed_precision(precision):
            queries = towers[0](log.user_table[log.users[batch]])
            vectors = towers[1](log.item_table[negatives.codes])
            loss = sampled_softmax(
                queries,
                vectors[negatives.positives],
                vectors,
                temperature=TEMPERATURE,
                log_weights=weights,
                positive_log_weights=positive_weights,
                exclude=negatives.exclude,
            )
        forward = perf_counter()
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        backward = perf_counter()
        for optimizer in optimizers:
            optimizer.step()
        return forward - start, backward - forward, perf_counter() - backward

    def encode(batch: Tensor) -> tuple[Tensor, Tensor]:
        return towers[0](log.user_table[log.users[batch]]), towers[1](log.item_table[log.items[batch]])

    return step, encode


VARIANTS: dict[str, Callable[[Log], tuple[Step, Encode]]] = {
    "plain PyTorch, dense fused Adam, float32": plain,
    "Shortlist, float32": lambda log: ours(log, "float32"),
    "Shortlist, bfloat16": lambda log: ours(log, "bfloat16"),
}


def batches(log: Log, batch_size: int, seed: int) -> Iterator[Tensor]:
    rng = np.random.default_rng(seed)
    while True:
        yield torch.from_numpy(rng.integers(len(log.users), size=batch_size))


def measure(log: Log, batch_size: int, rounds: int, steps: int) -> dict[str, object]:
    """Each round times ``steps`` steps of every variant in turn, on the same rows."""
    ready = {name: build(log) for name, build in VARIANTS.items()}
    stream = batches(log, batch_size, seed=1)
    times: dict[str, list[tuple[float, ...]]] = {name: [] for name in ready}
    for round_number in range(-1, rounds):  # the first round warms up and is not counted
        chosen = [next(stream) for _ in range(steps)]
        for name, (step, _) in ready.items():
            results = [step(batch) for batch in chosen]
            times[name] += results if round_number >= 0 else []
    held_out = next(stream)
    losses = {name: held_out_loss(log, held_out, encode) for name, (_, encode) in ready.items()}
    touched = [distinct_rows(log, next(stream)) for _ in range(5)]
    return {
        "rows/s": {name: batch_size / median(sum(step) for step in part) for name, part in times.items()},
        "phases": {
            name: [1e3 * median(step[phase] for step in part) for phase in range(3)]
            for name, part in times.items()
        },
        "loss": losses,
        "touched": median(touched),
        "distinct items": median(len(log.items[next(stream)].unique()) for _ in range(5)),
    }


@torch.no_grad()
def held_out_loss(log: Log, batch: Tensor, encode: Encode) -> float:
    """The loss of all variants by its definition; other columns of a row's own item are left out."""
    queries, vectors = encode(batch)
    items = log.items[batch]
    logits = queries @ vectors.T / TEMPERATURE - (torch.bincount(log.items) / len(log.items)).log()[items]
    same = (items[:, None] == items).fill_diagonal_(False)
    return functional.cross_entropy(logits.masked_fill(same, -torch.inf), torch.arange(len(batch))).item()


def distinct_rows(log: Log, batch: Tensor) -> int:
    tables = (log.user_table[log.users[batch]], log.item_table[log.items[batch]])
    return sum(len(column.unique()) for table in tables for column in table.T)


def child(*arguments: str) -> dict[str, object]:
    """Run this script again in a process of its own."""
    command = [sys.executable, __file__, *arguments]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def machine() -> str:
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*:\s*(.*)", text)
    name = model.group(1) if model else platform.processor() or platform.machine()
    return f"{name}, {torch.get_num_threads()} threads"


def report(options: argparse.Namespace) -> str:
    flags = [f"--threads={options.threads}", *(["--small"] if options.small else [])]
    rows = sum(USER_TABLES.values()) + sum(ITEM_TABLES.values())
    shape = f"dim {DIM}, MLP {list(HIDDEN)}, in-batch softmax with logQ"
    native = "yes" if bf16_supported() else "no"
    lines = [
        "# Training speed of a two-tower",
        "",
        f"- command: `python benchmarks/train_two_tower.py {' '.join(flags)}`",
        f"- machine: {machine()}; native bfloat16: {native}; torch {torch.__version__}",
        f"- date: {date.today().isoformat()}",
        f"- data: ids Zipf over {rows:,} rows of 17 tables{' / 100' if options.small else ''}, {shape}",
        "- all variants in turn in one process; medians of steps; on a shared machine compare the ratios",
        "",
    ]
    for batch_size in (256,) if options.small else (4096, 8192):
        for keep in (False, True):
            arguments = [*flags, "--measure", str(batch_size), *(["--keep-memory"] if keep else [])]
            lines += table(child(*arguments), batch_size, keep)
    lines += ["## Peak memory of the process", "", "| variant | MiB |", "|---|---|"]
    for number, name in enumerate(VARIANTS):
        lines.append(f"| {name} | {child(*flags, '--peak', str(number))['MiB']:.0f} |")
    return "\n".join(lines) + "\n"


def table(result: dict[str, object], batch_size: int, keep: bool) -> list[str]:
    speed, phases, losses = result["rows/s"], result["phases"], result["loss"]
    base = next(iter(speed.values()))
    allocator = "nn.keep_freed_memory()" if keep else "C library default"
    touched = f"{result['touched']:.0f} of {17 * batch_size}"
    lines = [
        f"## Batch {batch_size}, allocator: {allocator}",
        "",
        f"Distinct rows touched per batch: {touched}, among them {result['distinct items']:.0f} items.",
        "",
        f"| variant | rows/s | ratio | ms per step: {' / '.join(PHASES)} | held-out loss |",
        "|---|---|---|---|---|",
    ]
    for name, rate in speed.items():
        parts = " / ".join(f"{value:.1f}" for value in phases[name])
        lines.append(f"| {name} | {rate:,.0f} | {rate / base:.2f} | {parts} | {losses[name]:.3f} |")
    return [*lines, ""]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--small", action="store_true", help="tables a hundredth of the size, few steps, no file"
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of torch")
    parser.add_argument("--measure", type=int, metavar="BATCH", help="measure one batch size, print JSON")
    parser.add_argument(
        "--peak", type=int, metavar="VARIANT", help="run one variant alone, print its peak memory"
    )
    parser.add_argument("--keep-memory", action="store_true", help="with --measure: nn.keep_freed_memory()")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.measure is None and options.peak is None:
        text = report(options)
        print(text)
        if not options.small:
            name = re.sub(r"[^a-z0-9]+", "-", machine().lower()).strip("-")
            path = Path(__file__).parent / "results" / f"train_two_tower_{name}_{date.today().isoformat()}.md"
            path.write_text(text)
        return
    if options.keep_memory:
        keep_freed_memory()
    log = make_log(10_000 if options.small else 1_400_000, 100 if options.small else 1, seed=0)
    if options.peak is not None:
        step, _ = list(VARIANTS.values())[options.peak](log)
        stream = batches(log, 256 if options.small else 4096, seed=1)
        for _ in range(3):
            step(next(stream))
        print(json.dumps({"MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
        return
    rounds, steps = (3, 3) if options.small else (5, 3)
    print(json.dumps(measure(log, options.measure, rounds, steps)))


if __name__ == "__main__":
    main()
