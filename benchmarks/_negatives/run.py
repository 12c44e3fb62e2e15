"""One run of training, its metrics, and tables of several."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

import shortlist as sl
from shortlist import metrics
from shortlist.data import Batch

from .data import FIRST, Deal

METRICS = ("ndcg@10", "recall@10", "tail recall@10", "tail recall@50", "coverage@10")
Objective = Callable[[], object]


@dataclass(frozen=True)
class Setting:
    """How long and how large; the same for all that are compared."""

    epochs: int = 8
    batch_size: int = 1024
    lr: float = 1e-2
    dim: int = 64
    patience: int | None = None


def run(deal: Deal, objective: object, setting: Setting) -> tuple[dict[str, float], str]:
    """Train towers of ids alone; the epoch of the best validation NDCG@10 counts, of equally many steps."""
    model = sl.TwoTower(deal.flow.schema.select((deal.user, deal.item)), dim=setting.dim, seed=deal.seed)
    options = sl.FitOptions(
        epochs=setting.epochs,
        batch_size=setting.batch_size,
        lr=setting.lr,
        patience=setting.patience,
        seed=deal.seed,
        progress=False,
    )
    started = perf_counter()
    report = sl.fit(model, deal.train, objective, deal.valid, options)
    told = f"epoch {report.best} of {len(report.epochs)}, {perf_counter() - started:.0f} s"
    return measured(deal, model), told


def measured(deal: Deal, model: sl.TwoTower) -> dict[str, float]:
    """Metrics of the test part: the whole catalogue ranked, training and validation items filtered."""
    codes, items = deal.codes, np.arange(FIRST, deal.flow.schema.item.domain.size)
    users = np.unique(codes[4])
    vectors = model.encode_item(Batch({deal.item: items}))
    scores = model.encode_query(Batch({deal.user: users})) @ vectors.T
    for seen_users, seen_items in (codes[0:2], codes[2:4]):
        known = np.isin(seen_users, users) & (seen_items >= FIRST)
        scores[np.searchsorted(users, seen_users[known]), seen_items[known] - FIRST] = -np.inf
    best = np.argsort(-scores, axis=1, kind="stable")[:, :50] + FIRST
    found = {}
    # Items that only the test holds cannot be found: numbers past the end of the catalogue.
    wanted = np.where(codes[5] < FIRST, len(deal.tail) + np.arange(len(codes[5])), codes[5])
    for prefix, inside in (("", np.ones(len(wanted), bool)), ("tail ", deal.tail[codes[5]])):
        rows, truth = np.searchsorted(users, codes[4][inside]), wanted[inside]
        order = np.lexsort((truth, rows))
        offsets = np.searchsorted(rows[order], np.arange(len(users) + 1))
        relevant = np.diff(offsets)
        hits = metrics.hits(best, offsets, truth[order])
        asked = relevant > 0
        for name in ("ndcg@10", "recall@10", "recall@50"):
            metric, k = metrics.parse(name)
            found[prefix + name] = float(metric(hits, relevant, k)[asked].mean())
    found["coverage@10"] = len(np.unique(best[:, :10])) / len(items)
    return found


def compare(
    log: sl.Dataset,
    objectives: dict[str, object],
    seeds: Sequence[int],
    setting: Setting,
    names: Sequence[str] = METRICS,
) -> list[str]:
    """A Markdown table: means and deviations of metrics, and of the differences to the first row by seed."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in objectives}
    for seed in seeds:
        deal = Deal(log, seed)
        for name, objective in objectives.items():
            values, told = run(deal, objective, setting)
            found[name].append(values)
            figures = "  ".join(f"{metric} {values[metric]:.4f}" for metric in names)
            print(f"  seed {seed}  {name:45s} {figures}  {told}", flush=True)
    base = next(iter(found.values()))
    lines = [f"| objective | {' | '.join(names)} | {names[0]}, difference by seed |"]
    lines.append("|---" * (len(names) + 2) + "|")
    for name, values in found.items():
        cells = [_spread([one[metric] for one in values]) for metric in names]
        differences = [one[names[0]] - other[names[0]] for one, other in zip(values, base, strict=True)]
        cells.append("" if values is base else _spread(differences, sign=True))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _spread(values: Sequence[float], *, sign: bool = False) -> str:
    deviation = f" ± {np.std(values, ddof=1):.4f}" if len(values) > 1 else ""
    return (f"{np.mean(values):+.4f}" if sign else f"{np.mean(values):.4f}") + deviation
