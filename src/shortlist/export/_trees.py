"""Trees to part folders, checked against the live model before anything is published."""

from pathlib import Path

from shortlist.export._parity import check_parity, random_ranking_batch
from shortlist.io import atomic_folder
from shortlist.models.trees import TreeRanker
from shortlist.rng import generator
from shortlist.runtime import Part, load_trees, save_trees
from shortlist.schema import Schema

__all__ = ["export_trees"]


def export_trees(model: TreeRanker, folder: str | Path, *, seed: int = 0) -> Part:
    """Write fitted trees as a part folder that ``runtime.load_ranker`` reads.

    The folder holds the library's own text format and the columns. What is written is read back and compared
    with the live model on batches of 0, 1 and many queries and candidates. The folder appears whole or not
    at all.

    Args:
        model: a fitted `LightGBM` or `XGBoost`.
        folder: where the part will stand.
        seed: of the batches that are compared.

    Raises:
        ExportError: what was written differs from the live model by more than 1e-5.
        NotFittedError: the model is not fitted.
    """
    inputs: dict[str, Schema] = {"query": model.query_schema, "candidate": model.candidate_schema}
    rng = generator(seed, "export", "parity")
    with atomic_folder(folder) as fresh:
        part = save_trees(model.scorer, fresh / "part", inputs=inputs)
        check_parity(
            f"export of {type(model).__name__}",
            model.score,
            load_trees(fresh / "part").score,
            [random_ranking_batch(inputs, size, rng) for size in ((0, 0), (1, 0), (1, 1), (7, 64))],
        )
        for path in (fresh / "part").iterdir():
            path.rename(fresh / path.name)
        (fresh / "part").rmdir()
    return part
