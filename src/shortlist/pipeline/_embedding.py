"""That a model and an index belong together: their width, their fingerprints, their vectors."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist import index as indexes
from shortlist.errors import PipelineError
from shortlist.pipeline._match import Match
from shortlist.pipeline._retrieve import Retrieve
from shortlist.pipeline._stage import Stage, leaves
from shortlist.pipeline._state import State

__all__ = ["check_embedding", "embedding_stages", "stamp_indexes"]

_SAMPLED = 16
# An index holds codes of its vectors, and as-of features move on: less than this is no other model.
_ANOTHER = 0.2


def embedding_stages(stages: Iterable[Stage]) -> Iterator[Retrieve | Match]:
    """The stages that hold a model and an index, those inside others among them."""
    for stage in stages:
        yield from (part for part in leaves(stage) if isinstance(part, Retrieve | Match))


def check_embedding(stage: Retrieve | Match, state: State) -> None:
    """Refuse an index whose vectors are not those that the stage's model gives now.

    Some items of the index are encoded again. The index is another model's if every one of them differs by
    more than a fifth of its length.

    Raises:
        PipelineError: it is another model's.
    """
    held = indexes.pinned(stage.index)
    positions = state.positions_of(held.keys)
    rows = np.flatnonzero(positions >= 0)
    rows = rows[np.unique(np.linspace(0, max(len(rows) - 1, 0), _SAMPLED).astype(np.int64))[: len(rows)]]
    if len(rows) == 0:
        return
    batch = state.item_batch(stage.flow, positions[rows])
    now = np.asarray(stage.model.encode_item(batch), dtype=np.float32)
    if float(_differences(held.vectors(rows), now).min()) > _ANOTHER:
        raise PipelineError(
            f"stage {stage.name!r}",
            received="an index of other vectors than its model gives now",
            expected="the vectors of the model",
            remedy="build the index again: the model was trained on, or is another one",
        )


def stamp_indexes(stages: Iterable[Stage], folders: Mapping[int, Path]) -> None:
    """Write into each index of a bundle which exported model its vectors are of.

    Args:
        stages: of the pipeline.
        folders: ``id`` of a model or an index -> the folder it was written to.
    """
    models: dict[Path, set[str]] = {}
    for stage in embedding_stages(stages):
        encoder, index = folders.get(id(stage.model)), folders.get(id(stage.index))
        if encoder is not None and index is not None:
            models.setdefault(index, set()).add(_fingerprint(encoder))
    for folder, names in models.items():
        (name, *others) = names
        if name and not others and (folder / "index.json").is_file():
            indexes.stamp(folder, name)


def _differences(held: npt.NDArray[np.float32], now: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    """Length of the difference of each pair, in lengths of the latter."""
    lengths = np.maximum(np.linalg.norm(now, axis=1), 1e-12)
    return np.asarray(np.linalg.norm(held - now, axis=1) / lengths)


def _fingerprint(folder: Path) -> str:
    path = folder / "part.json"
    return str(json.loads(path.read_text()).get("fingerprint", "")) if path.is_file() else ""
