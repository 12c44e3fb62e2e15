"""The retrieval score of every candidate, whichever source found it."""

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Candidates, Encoder, Flow, Index, Ragged, Requests
from shortlist.pipeline._one_embedding import refuse_other_index
from shortlist.pipeline._stage import CANDIDATES, WritePart
from shortlist.pipeline._state import State

__all__ = ["Match"]

Vectors = npt.NDArray[np.float32]


@final
@dataclass(frozen=True)
class Match:
    """Puts beside each candidate how near its vector is to the query's and to what the user took last.

    Gives two columns for a ranker, and leaves scores and order as they are: ``<name>_score``, the inner
    product of the query's vector and the item's, and ``<name>_recent``, that of the item's vector and the
    mean vector of the user's last ``recent`` items. Items outside the index have 0 in both.

    Attributes:
        model: what encodes the query.
        index: vectors of the items.
        flow: makes the model's columns of raw ones.
        recent: number of last items whose mean vector stands for the user's recent taste.
        name: what traces call it, and the beginning of the columns' names.
        trained_until: first moment whose events the model did not learn from, microseconds since 1970.
    """

    model: Encoder
    index: Index
    flow: Flow
    recent: int = 20
    name: str = "match"
    trained_until: int | None = None
    needs: ClassVar[tuple[str, ...]] = (CANDIDATES,)

    def __post_init__(self) -> None:
        refuse_other_index(f"stage {self.name!r}", self.model, self.index)

    @property
    def gives(self) -> tuple[str, ...]:
        """The two columns."""
        return f"{self.name}_score", f"{self.name}_recent"

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:
        """Encode the requests and multiply."""
        index = state.index_now(self.index)
        rows = state.rows_of(index.keys)
        items, place = np.unique(candidates.items, return_inverse=True)
        vectors = index.vectors(rows[items])
        queries = state.encode_query(self.model, self.flow, requests)
        recent = self._means(state.histories(requests, self.recent), index, rows)
        sides = np.stack([queries, recent], axis=2)
        bounds = zip(candidates.offsets[:-1], candidates.offsets[1:], sides, strict=True)
        # One product a request: the same numbers whoever is asked about beside it.
        products = [vectors[place[low:high]] @ side for low, high, side in bounds]
        both = np.concatenate([*products, np.zeros((0, 2), np.float32)])
        columns: dict[str, Array] = dict(zip(self.gives, np.ascontiguousarray(both.T), strict=True))
        return candidates.with_columns(columns)

    def _means(self, histories: Ragged, index: Index, rows: npt.NDArray[np.int64]) -> Vectors:
        vectors = index.vectors(rows[histories.values])
        sums = np.zeros((len(histories), index.dim), dtype=np.float32)
        np.add.at(sums, histories.row_of, vectors)
        return np.asarray(sums / np.maximum(histories.lengths, 1)[:, None], dtype=np.float32)

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:
        """See `PlainStage`."""
        return {
            "kind": "match",
            "model": write_part("encoder", self.model),
            "index": write_part("index", self.index),
            "flow": write_part("flow", self.flow),
            "recent": self.recent,
            "name": self.name,
            "trained_until": self.trained_until,
        }
