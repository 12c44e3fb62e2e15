"""The next-item model that is trained by hidden items."""

from torch import Tensor

from shortlist.models.retrieval._sequence_model import SequenceModel, SequenceOptions
from shortlist.nn import TransformerEncoder
from shortlist.nn._seeded import linear
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["BERT4Rec"]


class BERT4Rec(SequenceModel):
    """Self-attention in both directions; a history is asked for the item at a blank put at its end.

    Trained by ``NextItem``: items of the sequences are hidden by the blank and told from the others.

    Args:
        schema: encoded columns with the item id and a list of items.
        dim: width D of the vectors and of every table.
        blocks: transformer blocks.
        heads: attention heads in each, which D is divided among.
        dropout: share set to zero in training, in [0, 1).
        detector: whether there is a head that tells replaced items from real ones, which training with
            ``head="replaced"`` needs.
        options: what is read, and how vectors are made; the blank is one of the ``max_length`` events.
        seed: of the initial weights.

    Raises:
        SchemaError: there is no item id, no list of items, or a column is not encoded.
        ArgumentError: an option is out of range.

    Source: Sun et al., "BERT4Rec: sequential recommendation with bidirectional encoder representations from
    transformer", CIKM 2019 (arXiv 1904.06690).

    >>> from shortlist.schema import LIST, Column, Domain
    >>> items = Domain("item", 20)
    >>> model = BERT4Rec(Schema([
    ...     Column("item", "int64", ("item", "id"), domain=items),
    ...     Column("history", "int64", ("user", "sequence"), LIST, items),
    ... ]), dim=8)
    >>> model.query.causal
    False
    """

    def __init__(
        self,
        schema: Schema,
        *,
        dim: int = 64,
        blocks: int = 2,
        heads: int = 2,
        dropout: float = 0.2,
        detector: bool = False,
        options: SequenceOptions | None = None,
        seed: int = 0,
    ) -> None:
        chosen = SequenceOptions() if options is None else options
        encoder = TransformerEncoder(
            dim,
            max_length=chosen.max_length,
            blocks=blocks,
            heads=heads,
            dropout=dropout,
            causal=False,
            seed=derive(seed, "encoder"),
        )
        super().__init__(schema, encoder, dim=dim, options=chosen, blank=True, seed=seed)
        self.detector = linear(dim, 1, derive(seed, "detector")) if detector else None

    def detect(self, vectors: Tensor) -> Tensor:
        """Logit that the item at each vector ``[..., D]`` was replaced: ``[...]``."""
        assert self.detector is not None
        logits: Tensor = self.detector(vectors).squeeze(-1)
        return logits
