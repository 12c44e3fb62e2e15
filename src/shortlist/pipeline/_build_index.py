"""From a model and a catalogue to an index."""

from typing import Any, Literal

import numpy as np

from shortlist import index
from shortlist.data import Encoder, Flow
from shortlist.pipeline._state import State

__all__ = ["build_index"]

_ROWS = 8192


def build_index(
    model: Encoder,
    flow: Flow,
    state: State,
    *,
    kind: index.Kind | Literal["auto"] = "auto",
    recall_target: float = 0.95,
    options: index.IndexOptions | None = None,
    seed: int = 0,
) -> index.VectorIndex:
    """Encode the items that may be shown and index their vectors.

    Args:
        model: its item tower is used.
        flow: makes the model's columns of raw item columns.
        state: holds the catalogue; as-of features are those of its present.
        kind: see `shortlist.index.build`.
        recall_target: share of the truly best items that a search is to find.
        options: how to build and measure.
        seed: of k-means and of the sampled queries.
    """
    shown = np.flatnonzero(state.allowed())
    parts: list[Any] = [np.zeros((0, model.dim), dtype=np.float32)]
    for start in range(0, len(shown), _ROWS):
        batch = state.item_batch(flow, shown[start : start + _ROWS])
        parts.append(np.asarray(model.encode_item(batch), dtype=np.float32))
    return index.build(
        np.concatenate(parts),
        state.items.take(shown),
        kind=kind,
        recall_target=recall_target,
        options=options,
        seed=seed,
        fingerprint=str(getattr(model, "fingerprint", "")),
    )
