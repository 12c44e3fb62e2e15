"""The next-item model of pointwise attention."""

from shortlist.models.retrieval._sequence_model import SequenceModel, SequenceOptions
from shortlist.nn import HSTUEncoder
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["HSTU"]


class HSTU(SequenceModel):
    """Hierarchical sequential transduction units over the history, compared with items by inner product.

    With ``SequenceOptions(ages=...)`` attention also sees how much time lies between events, and between the
    newest and the query.

    Args:
        schema: encoded columns with the item id and a list of items.
        dim: width D of the vectors and of every table.
        blocks: layers.
        heads: attention heads in each, which D is divided among.
        dropout: share set to zero in training, in [0, 1).
        options: what is read, and how vectors are made.
        seed: of the initial weights.

    Raises:
        SchemaError: there is no item id, no list of items, or a column is not encoded.
        ArgumentError: an option is out of range.

    Source: Zhai et al., "Actions speak louder than words", ICML 2024 (arXiv 2402.17152).

    >>> from shortlist.schema import LIST, Column, Domain
    >>> items = Domain("item", 20)
    >>> model = HSTU(Schema([
    ...     Column("item", "int64", ("item", "id"), domain=items),
    ...     Column("history", "int64", ("user", "sequence"), LIST, items),
    ...     Column("ages", "float64", ("user", "sequence", "continuous"), LIST),
    ... ]), dim=8, options=SequenceOptions(ages="ages"))
    >>> model.query_schema.names
    ('history', 'ages')
    """

    def __init__(
        self,
        schema: Schema,
        *,
        dim: int = 64,
        blocks: int = 2,
        heads: int = 1,
        dropout: float = 0.2,
        options: SequenceOptions | None = None,
        seed: int = 0,
    ) -> None:
        chosen = SequenceOptions() if options is None else options
        encoder = HSTUEncoder(
            dim,
            max_length=chosen.max_length,
            blocks=blocks,
            heads=heads,
            dropout=dropout,
            ages=chosen.ages is not None,
            seed=derive(seed, "encoder"),
        )
        super().__init__(schema, encoder, dim=dim, options=chosen, seed=seed)
