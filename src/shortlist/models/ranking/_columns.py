"""Columns side by side."""

from torch import Tensor

from shortlist.models.ranking._cells import Rows
from shortlist.models.ranking._columns_model import ColumnsModel
from shortlist.models.ranking._options import RankerOptions
from shortlist.nn._seeded import linear
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["Columns"]


class Columns(ColumnsModel):
    """Embeddings and numbers side by side, and a linear map: the plainest trunk of a model of several tasks.

    Args:
        schema: encoded columns with at least one TARGET.
        dim: width of the embeddings.
        seed: of the initial weights.
        options: of the tables.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded.

    >>> from shortlist.schema import Column, Domain
    >>> schema = Schema([
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ...     Column("click", "float32", ("target", "binary")),
    ... ])
    >>> Columns(schema, dim=4).width
    4
    """

    def __init__(
        self, schema: Schema, *, dim: int = 16, seed: int = 0, options: RankerOptions | None = None
    ) -> None:
        super().__init__(schema, dim=dim, seed=seed, options=options)
        self.width = self.flat_width
        self.head = linear(self.width, self.logits, derive(seed, "head"))

    def represent(self, rows: Rows) -> Tensor:
        """The columns."""
        return rows.flat()
