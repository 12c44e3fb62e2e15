"""One run of training, its metrics, and tables of several."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import process_time

import numpy as np
import torch

import shortlist as sl
from shortlist import metrics
from shortlist.data import Batch

from .data import FIRST, Deal

METRICS = ("ndcg@10", "recall@10", "tail recall@10", "tail recall@50", "coverage@10")
AT_ONCE = 1000
Found = dict[str, np.ndarray]  # metric -> values by user, NaN where nothing is asked for


@dataclass(frozen=True)
class Setting:
    """How long and how large; the same for all that are compared."""

    epochs: int = 8
    batch_size: int = 1024
    lr: float = 1e-2
    dim: int = 64
    patience: int | None = None


def run(deal: Deal, objective: object, setting: Setting, part: str = "test") -> tuple[Found, str]:
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
    started = process_time()
    report = sl.fit(model, deal.train, objective, deal.valid, options)
    told = f"epoch {report.best} of {len(report.epochs)}, {process_time() - started:.0f} s"
    return measured(deal, model, part), told


def measured(deal: Deal, model: sl.TwoTower, part: str = "test") -> Found:
    """Metrics of each user of a part: the whole catalogue ranked, what is in earlier parts filtered."""
    items = np.arange(FIRST, deal.flow.schema.item.domain.size)
    asked_users, asked_items = deal.codes[part]
    users = np.unique(asked_users)
    best = _best(deal, model, users, items, part)
    # Items that only this part holds cannot be found: numbers past the end of the catalogue.
    strange = asked_items < FIRST
    wanted = np.where(strange, len(deal.tail) + np.arange(len(asked_items)), asked_items)
    found = {"coverage@10": np.full(len(users), len(np.unique(best[:, :10])) / len(items))}
    for prefix, inside in (("", np.full(len(wanted), True)), ("tail ", deal.tail[asked_items] | strange)):
        rows, truth = np.searchsorted(users, asked_users[inside]), wanted[inside]
        order = np.lexsort((truth, rows))
        offsets = np.searchsorted(rows[order], np.arange(len(users) + 1))
        relevant = np.diff(offsets)
        hits = metrics.hits(best, offsets, truth[order])
        for name in ("ndcg@10", "recall@10", "recall@50"):
            metric, k = metrics.parse(name)
            found[prefix + name] = np.where(relevant > 0, metric(hits, relevant, k), np.nan)
    return found


def _best(deal: Deal, model: sl.TwoTower, users: np.ndarray, items: np.ndarray, part: str) -> np.ndarray:
    """``[users, 50]`` codes."""
    vectors = torch.from_numpy(model.encode_item(Batch({deal.item: items})))
    past = [deal.codes[name] for name in deal.before(part)]
    best = []
    for start in range(0, len(users), AT_ONCE):
        some = users[start : start + AT_ONCE]
        scores = torch.from_numpy(model.encode_query(Batch({deal.user: some}))) @ vectors.T
        for seen_users, seen_items in past:
            known = np.isin(seen_users, some) & (seen_items >= FIRST)
            scores[np.searchsorted(some, seen_users[known]), seen_items[known] - FIRST] = -torch.inf
        best.append(scores.topk(min(50, len(items)), dim=1).indices.numpy() + FIRST)
    return np.concatenate(best)


def compare(
    log: sl.Dataset,
    objectives: dict[str, object],
    seeds: Sequence[int],
    setting: Setting,
    names: Sequence[str] = METRICS,
    part: str = "test",
    rivals: Sequence[str] = (),
) -> list[str]:
    """A Markdown table: means and deviations between seeds, and differences to rivals by user.

    Rivals are those of the objectives that are named, by default the first.
    """
    found: dict[str, list[Found]] = {name: [] for name in objectives}
    for seed in seeds:
        deal = Deal(log, seed)
        for name, objective in objectives.items():
            values, told = run(deal, objective, setting, part)
            found[name].append(values)
            figures = "  ".join(f"{metric} {np.nanmean(values[metric]):.4f}" for metric in names)
            print(f"  seed {seed}  {name:45s} {figures}  {told}", flush=True)
    bases = [name for name in rivals if name in found] or [next(iter(found))]
    heads = [*names, *(f"{names[0]}, difference to {base}" for base in bases)]
    lines = [f"| objective | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for name, values in found.items():
        cells = [_spread([float(np.nanmean(one[metric])) for one in values]) for metric in names]
        cells += ["" if name == base else gap(values, found[base], names[0]) for base in bases]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def gap(ours: list[Found], base: list[Found], metric: str) -> str:
    """The mean difference, and its interval over users: each user's difference is the mean over the seeds."""
    differences = np.array([a[metric] - b[metric] for a, b in zip(ours, base, strict=True)])
    asked = ~np.isnan(differences).all(0)
    by_user = np.nanmean(differences[:, asked], 0)
    told = metrics.paired_bootstrap(by_user, np.zeros_like(by_user), seed=0)
    return f"{told.difference:+.4f} [{told.low:+.4f}, {told.high:+.4f}]"


def _spread(values: Sequence[float]) -> str:
    deviation = f" ± {np.std(values, ddof=1):.4f}" if len(values) > 1 else ""
    return f"{np.mean(values):.4f}{deviation}"
