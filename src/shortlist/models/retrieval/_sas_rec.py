"""Self-attentive next-item models."""

from shortlist.models.retrieval._sequence_model import SequenceModel, SequenceOptions
from shortlist.nn import LiGREncoder, SASRecEncoder
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["ESASRec", "SASRec"]


class SASRec(SequenceModel):
    """Causal self-attention over the history, compared with items by inner product.

    Learned positions, padding never attended, dropout on the embeddings, a final norm; what attention is
    added to is normalised, as in the authors' code. Train it with
    ``NextItem``; with ``SequenceOptions(tied=False)`` and the loss ``gbce`` it is gSASRec.

    Args:
        schema: encoded columns with the item id and a list of items.
        dim: width D of the vectors and of every table.
        blocks: blocks of attention.
        heads: attention heads in each, which D is divided among.
        expansion: width of the hidden layers, in times D.
        dropout: share set to zero in training, in [0, 1).
        options: what is read, and how vectors are made.
        seed: of the initial weights.

    Raises:
        SchemaError: there is no item id, no list of items, or a column is not encoded.
        ArgumentError: an option is out of range.

    Source: Kang, McAuley, "Self-attentive sequential recommendation", ICDM 2018 (arXiv 1808.09781); gSASRec:
    Petrov, Macdonald, RecSys 2023 (arXiv 2308.07192).

    >>> from shortlist.schema import LIST, Column, Domain
    >>> items = Domain("item", 20)
    >>> model = SASRec(Schema([
    ...     Column("item", "int64", ("item", "id"), domain=items),
    ...     Column("history", "int64", ("user", "sequence"), LIST, items),
    ... ]), dim=8)
    >>> model.query_schema.names, model.item_schema.names
    (('history',), ('item',))
    """

    def __init__(
        self,
        schema: Schema,
        *,
        dim: int = 64,
        blocks: int = 2,
        heads: int = 1,
        expansion: int = 1,
        dropout: float = 0.2,
        options: SequenceOptions | None = None,
        seed: int = 0,
    ) -> None:
        chosen = SequenceOptions() if options is None else options
        encoder = SASRecEncoder(
            dim,
            max_length=chosen.max_length,
            blocks=blocks,
            heads=heads,
            expansion=expansion,
            dropout=dropout,
            seed=derive(seed, "encoder"),
        )
        super().__init__(schema, encoder, dim=dim, options=chosen, seed=seed)


class ESASRec(SequenceModel):
    """SASRec with gated LiGR blocks; meant for ``NextItem`` with sampled negatives.

    Args:
        schema: encoded columns with the item id and a list of items.
        dim: width D of the vectors and of every table.
        blocks: LiGR blocks.
        heads: attention heads in each, which D is divided among.
        expansion: width of the hidden layers, in times D.
        dropout: share set to zero in training, in [0, 1).
        options: what is read, and how vectors are made.
        seed: of the initial weights.

    Raises:
        SchemaError: there is no item id, no list of items, or a column is not encoded.
        ArgumentError: an option is out of range.

    Source: Tikhonovich et al., "eSASRec: enhancing transformer-based recommendations in a modular fashion",
    RecSys 2025 (arXiv 2508.06450).

    >>> from shortlist.schema import LIST, Column, Domain
    >>> items = Domain("item", 20)
    >>> model = ESASRec(Schema([
    ...     Column("item", "int64", ("item", "id"), domain=items),
    ...     Column("history", "int64", ("user", "sequence"), LIST, items),
    ... ]), dim=8)
    >>> model.dim
    8
    """

    def __init__(
        self,
        schema: Schema,
        *,
        dim: int = 64,
        blocks: int = 2,
        heads: int = 1,
        expansion: int = 4,
        dropout: float = 0.2,
        options: SequenceOptions | None = None,
        seed: int = 0,
    ) -> None:
        chosen = SequenceOptions() if options is None else options
        encoder = LiGREncoder(
            dim,
            max_length=chosen.max_length,
            blocks=blocks,
            heads=heads,
            expansion=expansion,
            dropout=dropout,
            seed=derive(seed, "encoder"),
        )
        super().__init__(schema, encoder, dim=dim, options=chosen, seed=seed)
