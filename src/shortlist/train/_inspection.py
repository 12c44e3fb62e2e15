"""What looks wrong in the vectors that a model has learned."""

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from shortlist.data import Batch
from shortlist.nn import EmbeddingTables
from shortlist.schema import FIRST_UNKNOWN

__all__ = ["dimensions_used", "warn_of_tables", "warn_of_vectors"]

_COLLAPSED = 0.98
_UNBALANCED = 8.0
_CONSTANT = 0.02
_FEWEST = 10
_ROWS_LOOKED_AT = 10_000


def dimensions_used(vectors: Tensor) -> float:
    """Effective rank of vectors ``[n, D]``: exp of the entropy of how directions share their variance.

    D when every direction has the same variance, 1 when all lie on a line, 0 when all are the same.

    Source: Roy, Vetterli, "The effective rank: a measure of effective dimensionality", EUSIPCO 2007; here of
    the covariance.

    >>> round(dimensions_used(torch.eye(4)), 3), dimensions_used(torch.ones(3, 2))
    (3.0, 0.0)
    """
    centred = vectors.double() - vectors.double().mean(0)
    variances = torch.linalg.eigvalsh(centred.T @ centred).clamp(min=0.0)
    total = variances.sum()
    if float(total) <= 1e-12 * max(float(vectors.double().square().sum()), 1e-300):
        return 0.0
    shares = variances / total
    return float(torch.special.entr(shares).sum().exp())


def warn_of_vectors(model: Any, queries: Batch, items: Batch) -> None:
    """Warn of towers whose vectors are nearly all the same, or span far fewer dimensions than the other's.

    Args:
        model: a retrieval model.
        queries: some rows of the training data.
        items: some items of the catalogue, each once.
    """
    was_training = model.training
    model.eval()
    with torch.no_grad():
        vectors = {"query": model.encode_query(queries), "item": model.encode_item(items)}
    model.train(was_training)
    sides = {side: nn.functional.normalize(one.float()) for side, one in vectors.items()}
    if min(map(len, sides.values())) < _FEWEST:
        return
    # The squared length of the mean of unit vectors is their mean cosine, self-pairs included.
    cosines = {side: float(one.mean(0).square().sum()) for side, one in sides.items()}
    collapsed = [side for side, cosine in cosines.items() if cosine > _COLLAPSED]
    for side in collapsed:
        warnings.warn(
            f"fit: the {side} vectors have collapsed: their mean cosine is {cosines[side]:.3f}. "
            "Unless users and items are much alike, lower lr, raise the temperature, or check that the "
            f"{side} columns vary from row to row",
            stacklevel=5,
        )
    used = {side: dimensions_used(one) for side, one in sides.items()}
    poor, rich = sorted(used, key=lambda side: used[side])
    if len(collapsed) == 0 and used[rich] > _UNBALANCED * max(used[poor], 1.0):
        warnings.warn(
            f"fit: the towers are unbalanced: {poor} vectors span {used[poor]:.1f} dimensions, {rich} "
            f"vectors {used[rich]:.1f}. Give the {poor} tower more columns (an id, a history, features), "
            "or more hidden units",
            stacklevel=5,
        )


@torch.no_grad()
def warn_of_tables(model: nn.Module) -> None:
    """Warn of embedding tables whose rows are all nearly one vector: their column says nothing."""
    for part in model.modules():
        if not isinstance(part, EmbeddingTables):
            continue
        for name, rows in part.rows.items():
            start = part.starts[name] + FIRST_UNKNOWN + 1
            values = part.weight[start : part.starts[name] + rows][:_ROWS_LOOKED_AT]
            if len(values) < _FEWEST:
                continue
            spread, size = (values - values.mean(0)).square().mean(), values.square().mean()
            if float(spread) < _CONSTANT**2 * float(size):
                warnings.warn(
                    f"fit: the embeddings of {name!r} are constant: its rows differ by less than "
                    f"{_CONSTANT:.0%} of their length. Check that the column varies, or leave it out",
                    stacklevel=5,
                )
