"""Candidates by vectors."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, final

import numpy as np

from shortlist.data import Candidates, Encoder, Flow, Index, Requests
from shortlist.pipeline._one_embedding import refuse_other_index
from shortlist.pipeline._rule import Rule
from shortlist.pipeline._stage import CANDIDATES, SCORES, WritePart, count_of
from shortlist.pipeline._state import State

__all__ = ["Retrieve"]


@final
@dataclass(frozen=True)
class Retrieve:
    """The items whose vectors have the largest inner product with the query's vector.

    Gives the column ``retrieval_score`` (``<name>_score`` under another name).

    Attributes:
        model: what encodes the query.
        index: vectors of the items; of a `shortlist.index.LiveIndex`, a run sees one version.
        flow: makes the model's columns of raw ones.
        k: most candidates of a request.
        timeout_ms: in a live state, milliseconds after which the fallback answers; None for no limit.
        name: what traces and answers call it.
        where: conditions on item columns that all candidates meet, such as ``"stock > 0"``.
        trained_until: first moment whose events the model did not learn from, microseconds since 1970.
    """

    model: Encoder
    index: Index
    flow: Flow
    k: int = 500
    timeout_ms: float | None = None
    name: str = "retrieve"
    where: str | tuple[str, ...] = ()
    trained_until: int | None = None
    needs: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        count_of(self.k, "Retrieve.k")
        _ = self.rules
        refuse_other_index(f"stage {self.name!r}", self.model, self.index)

    @property
    def gives(self) -> tuple[str, ...]:
        """Candidates with scores, and the scores as a column."""
        return CANDIDATES, SCORES, self.column

    @property
    def column(self) -> str:
        """Name of the column that keeps the scores."""
        return "retrieval_score" if self.name == "retrieve" else f"{self.name}_score"

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The conditions of ``where``."""
        texts = (self.where,) if isinstance(self.where, str) else self.where
        return tuple(Rule.parse(text) for text in texts)

    def limited(self, k: int) -> "Retrieve":
        """The same with at most ``k`` candidates a request."""
        return replace(self, k=min(self.k, k))

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:  # noqa: ARG002
        """Encode the requests and search."""
        vectors = state.encode_query(self.model, self.flow, requests)
        index = state.index_now(self.index)
        positions = state.positions_of(index.keys)
        allowed = state.allowed_rows(index.keys, self.rules)
        rows, scores = index.search(vectors, min(self.k, max(len(index.keys), 1)), allowed=allowed)
        items = np.where(rows >= 0, positions[rows] if len(positions) else -1, -1)
        found = Candidates.of(items, scores, self.name).ordered()
        return found.with_columns({self.column: found.scores})

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:
        """See `PlainStage`."""
        return {
            "kind": "retrieve",
            "model": write_part("encoder", self.model),
            "index": write_part("index", self.index),
            "flow": write_part("flow", self.flow),
            "k": self.k,
            "timeout_ms": self.timeout_ms,
            "name": self.name,
            "where": [self.where] if isinstance(self.where, str) else list(self.where),
            "trained_until": self.trained_until,
        }
