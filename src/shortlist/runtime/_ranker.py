"""An exported ranking model."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from shortlist.data import Batch
from shortlist.runtime._copy import copy_part
from shortlist.runtime._graph import Graph
from shortlist.schema import Schema

__all__ = ["OnnxRanker"]

_ROWS = 8192


class OnnxRanker:
    """A ranking model as it is served; made by `load_ranker`, meets `shortlist.data.Ranker`.

    Args:
        graph: the model: query columns [Q], candidate columns [N] and ``query_of`` [N] to what is served of
            each target [N, T], or [N] of one.
        one: the same for the candidates of one query, in fewer steps; None has ``graph`` do it.
        query: names of the columns that are read once per query.
        targets: the T targets; the first is what `score` gives.
        fingerprint: of weights and graph.
        folder: where it was loaded from.
    """

    def __init__(
        self,
        graph: Graph,
        one: Graph | None = None,
        *,
        query: tuple[str, ...],
        targets: tuple[str, ...],
        fingerprint: str,
        folder: Path | None = None,
    ) -> None:
        self._graph, self._one = graph, graph if one is None else one
        self._folder = folder
        self._query, self._names = frozenset(query), frozenset(graph.inputs.names)
        self.targets = targets
        self.fingerprint = fingerprint

    @property
    def target(self) -> str:
        """What `score` is of."""
        return self.targets[0]

    @property
    def schema(self) -> Schema:
        """Encoded columns that `score` reads."""
        return self._graph.inputs

    @property
    def packs(self) -> tuple[tuple[str, ...], ...]:
        """Names of columns that are read as one matrix, of which a batch may bring `Batch.blocks`."""
        return self._graph.packs

    def save(self, folder: str | Path) -> None:
        """Copy the part to another folder, as it is."""
        copy_part(self._folder, Path(folder))

    def score(self, batch: Batch) -> npt.NDArray[np.float32]:
        """What is served of the first target for each candidate: a probability if it is binary.

        Args:
            batch: N candidates with the columns of ``schema``. Query columns that stand once per query are
                computed once per query; a batch without ``query_of`` is scored row by row.

        Returns:
            Float32 [N].

        Raises:
            SchemaError: a column is missing, of a wrong shape or type, or holds a code out of range.
        """
        return np.ascontiguousarray(self._served(batch)[:, 0])

    def predict(self, batch: Batch) -> dict[str, npt.NDArray[np.float32]]:
        """What is served of every target for each candidate, float32 [N]; see `score`."""
        served = self._served(batch)
        return {name: np.ascontiguousarray(served[:, place]) for place, name in enumerate(self.targets)}

    def _served(self, batch: Batch) -> npt.NDArray[np.float32]:
        query = batch.query & self._names
        if batch.query_of is not None and query != self._query:
            batch = batch.select([name for name in self._names if name in batch]).flat()
        graph = self._one if self._asks_once(batch) else self._graph
        feed = graph.feed(batch)
        if "query_of" in graph.extra:
            query_of = np.arange(len(batch)) if batch.query_of is None else batch.query_of
            feed["query_of"] = np.ascontiguousarray(query_of, dtype=np.int64)
        if len(batch) == 0:  # not every graph takes a batch without rows
            return np.zeros((0, len(self.targets)), np.float32)
        if batch.query_of is None or len(batch) <= _ROWS:
            return graph.run(feed).reshape(len(batch), len(self.targets))
        # As many candidates at a time as the processor's cache holds the layers of.
        once = graph.made_of(query)
        parts = [
            graph.run({name: v if name in once else v[low : low + _ROWS] for name, v in feed.items()})
            for low in range(0, len(batch), _ROWS)
        ]
        return np.concatenate(parts).reshape(len(batch), len(self.targets))

    def _asks_once(self, batch: Batch) -> bool:
        """Whether all candidates are those of one query."""
        return batch.query_of is not None and len(batch.query) > 0 and batch.queries == 1

    def __repr__(self) -> str:
        return f"OnnxRanker({self.target!r}, {self.schema.names})"
