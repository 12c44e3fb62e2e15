"""Two exported towers."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from shortlist.data import Batch
from shortlist.runtime._copy import copy_part
from shortlist.runtime._graph import Graph
from shortlist.schema import Schema

__all__ = ["OnnxEncoder"]


class OnnxEncoder:
    """A two-tower model as it is served; made by `load_encoder`, meets `shortlist.data.Encoder`.

    Args:
        query: graph of the query tower.
        item: graph of the item tower.
        dim: width D of the vectors.
        fingerprint: of weights and graphs.
        folder: where it was loaded from.
    """

    def __init__(
        self, query: Graph, item: Graph, *, dim: int, fingerprint: str, folder: Path | None = None
    ) -> None:
        self._query, self._item = query, item
        self._folder = folder
        self.dim = dim
        self.fingerprint = fingerprint

    @property
    def packs(self) -> tuple[tuple[str, ...], ...]:
        """Names of the query's columns that are read as one matrix; a batch may bring `Batch.blocks`."""
        return self._query.packs

    @property
    def query_schema(self) -> Schema:
        """Encoded columns that `encode_query` reads."""
        return self._query.inputs

    @property
    def item_schema(self) -> Schema:
        """Encoded columns that `encode_item` reads."""
        return self._item.inputs

    def encode_query(self, batch: Batch) -> npt.NDArray[np.float32]:
        """Vectors of queries.

        Args:
            batch: B rows of the columns of ``query_schema``, as the workflow encoded them; others are
                ignored.

        Returns:
            Float32 [B, D].

        Raises:
            SchemaError: a column is missing, of a wrong shape or type, or holds a code out of range.
        """
        return self._query.run(self._query.feed(batch))

    def encode_item(self, batch: Batch) -> npt.NDArray[np.float32]:
        """Vectors of items: as `encode_query`, with the columns of ``item_schema``."""
        return self._item.run(self._item.feed(batch))

    def save(self, folder: str | Path) -> None:
        """Copy the part to another folder, as it is."""
        copy_part(self._folder, Path(folder))

    def __repr__(self) -> str:
        return f"OnnxEncoder(dim {self.dim}, query {self.query_schema.names}, item {self.item_schema.names})"
