"""The recurrent next-item model."""

from shortlist.models.retrieval._sequence_model import SequenceModel, SequenceOptions
from shortlist.nn import RecurrentEncoder
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["GRU4Rec"]


class GRU4Rec(SequenceModel):
    """A GRU over the history, compared with items by inner product.

    Every history starts from a state of zeros and gradients run through the whole of it, which is what
    session-parallel batches with a reset approach; items share one embedding in and out.

    Args:
        schema: encoded columns with the item id and a list of items.
        dim: width D of the vectors and of every table.
        hidden: width of the recurrent state; None is D.
        layers: recurrent layers.
        dropout: share set to zero in training, in [0, 1).
        options: what is read, and how vectors are made.
        seed: of the initial weights.

    Raises:
        SchemaError: there is no item id, no list of items, or a column is not encoded.
        ArgumentError: an option is out of range.

    Source: Hidasi et al., "Session-based recommendations with recurrent neural networks", ICLR 2016
    (arXiv 1511.06939); Hidasi, Karatzoglou, CIKM 2018 (arXiv 1706.03847).

    >>> from shortlist.schema import LIST, Column, Domain
    >>> items = Domain("item", 20)
    >>> model = GRU4Rec(Schema([
    ...     Column("item", "int64", ("item", "id"), domain=items),
    ...     Column("history", "int64", ("user", "sequence"), LIST, items),
    ... ]), dim=8, hidden=16)
    >>> model.dim
    8
    """

    def __init__(
        self,
        schema: Schema,
        *,
        dim: int = 64,
        hidden: int | None = None,
        layers: int = 1,
        dropout: float = 0.2,
        options: SequenceOptions | None = None,
        seed: int = 0,
    ) -> None:
        encoder = RecurrentEncoder(
            dim, cell="gru", hidden=hidden, layers=layers, dropout=dropout, seed=derive(seed, "encoder")
        )
        super().__init__(schema, encoder, dim=dim, options=options, seed=seed)
