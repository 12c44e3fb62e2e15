"""What weights of eight bits do to a ranker: its time, its AUC, the order of candidates."""

from pathlib import Path
from tempfile import TemporaryDirectory
from time import thread_time

import numpy as np
import polars as pl

from _serve.world import CANDIDATES
from shortlist.data import Batch
from shortlist.export import quantize_ranker
from shortlist.metrics import auc
from shortlist.runtime import OnnxRanker, load_ranker

ROWS = 100_000


def rounded(bundle: Path, unseen: Path, calls: int) -> dict[str, float]:
    """Processor milliseconds of 200 candidates, AUC on rows not trained on, how much of the order stays."""
    rows = pl.read_parquet(unseen).head(ROWS)
    with TemporaryDirectory() as room:
        quantize_ranker(bundle / "ranker", Path(room) / "rounded")
        exact, short = load_ranker(bundle / "ranker"), load_ranker(Path(room) / "rounded")
        assert isinstance(exact, OnnxRanker)
        batch = Batch({name: rows[name].to_numpy() for name in exact.schema.names})
        scores = [ranker.score(batch) for ranker in (exact, short)]
        one = request(batch, exact)
        times: list[list[float]] = [[], []]
        for _ in range(calls):
            for ranker, taken in zip((exact, short), times, strict=True):
                start = thread_time()
                ranker.score(one)
                taken.append(1e3 * (thread_time() - start))
    labels = rows["click"].to_numpy()
    found = {"ms": float(np.median(times[0])), "ms rounded": float(np.median(times[1]))}
    found |= {"auc": float(auc(labels, scores[0])), "auc rounded": float(auc(labels, scores[1]))}
    cuts = range(0, len(rows) - CANDIDATES + 1, CANDIDATES)
    best = [[set(np.argsort(-s[cut : cut + CANDIDATES])[:10]) for s in scores] for cut in cuts]
    return found | {"same": float(np.mean([len(one & other) / 10 for one, other in best]))}


def request(batch: Batch, ranker: OnnxRanker) -> Batch:
    """The first rows as candidates of one user."""
    names = [name for name in ranker.schema.names if name.startswith("user")]
    taken = batch.take(np.arange(min(CANDIDATES, len(batch))))
    columns = {name: taken.array(name)[:1] if name in names else taken.array(name) for name in taken}
    return Batch(columns, query=names, query_of=np.zeros(len(taken), np.int64))
