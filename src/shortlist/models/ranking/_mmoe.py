"""Mixtures of experts that targets share."""

from collections.abc import Sequence

from shortlist.errors import ArgumentError
from shortlist.models.ranking._ranking_model import RankingModel
from shortlist.models.ranking._task_heads import ExpertsHead
from shortlist.models.ranking._task_model import TaskModel, TaskOptions
from shortlist.nn import Experts
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["CGC", "PLE", "MMoE"]


class MMoE(TaskModel):
    """Multi-gate mixture of experts: each target weighs the same experts by a gate of its own.

    ``logits_t = tower_t(sum_i softmax(W_t x)_i E_i(x))``; see `nn.Experts`.

    Args:
        schema: encoded columns with the targets, in order.
        trunk: a ranker of this schema, which gives up its own head; None reads columns side by side.
        dim: width of the embeddings, where no trunk is given; None is 16.
        hidden: widths of the layers of each expert.
        dropout: share of hidden activations set to zero in training, in [0, 1).
        seed: of the initial weights.
        experts: number of experts.
        options: towers, and the tables where no trunk is given.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded.
        ArgumentError: an option is out of range, or does not go with the trunk.

    Source: Ma et al., "Modeling task relationships in multi-task learning with multi-gate
    mixture-of-experts", KDD 2018.

    >>> from shortlist.schema import Column, Domain
    >>> schema = Schema([
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ...     Column("click", "float32", ("target", "binary")),
    ...     Column("buy", "float32", ("target", "binary")),
    ... ])
    >>> MMoE(schema, hidden=(8,)).targets
    ('click', 'buy')
    """

    def __init__(
        self,
        schema: Schema,
        *,
        trunk: RankingModel | None = None,
        dim: int | None = None,
        hidden: Sequence[int] = (256, 128),
        dropout: float = 0.0,
        seed: int = 0,
        experts: int = 4,
        options: TaskOptions | None = None,
    ) -> None:
        super().__init__(schema, trunk=trunk, dim=dim, seed=seed, options=options)
        self.head = _head(self, hidden, [(0, experts)], dropout, seed)


class CGC(TaskModel):
    """Customised gate control: each target weighs experts of its own and shared ones by a gate of its own.

    As `MMoE`, with experts that one target alone uses beside the shared ones; see `nn.Experts`.

    Args:
        schema: encoded columns with the targets, in order.
        trunk: a ranker of this schema, which gives up its own head; None reads columns side by side.
        dim: width of the embeddings, where no trunk is given; None is 16.
        hidden: widths of the layers of each expert.
        dropout: share of hidden activations set to zero in training, in [0, 1).
        seed: of the initial weights.
        experts: numbers of each target's own experts, and of shared ones.
        options: towers, and the tables where no trunk is given.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded.
        ArgumentError: an option is out of range, or does not go with the trunk.

    Source: Tang et al., "Progressive layered extraction", RecSys 2020.

    >>> from shortlist.schema import Column, Domain
    >>> schema = Schema([
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ...     Column("click", "float32", ("target", "binary")),
    ...     Column("buy", "float32", ("target", "binary")),
    ... ])
    >>> CGC(schema, hidden=(8,)).targets
    ('click', 'buy')
    """

    def __init__(
        self,
        schema: Schema,
        *,
        trunk: RankingModel | None = None,
        dim: int | None = None,
        hidden: Sequence[int] = (256, 128),
        dropout: float = 0.0,
        seed: int = 0,
        experts: tuple[int, int] = (1, 1),
        options: TaskOptions | None = None,
    ) -> None:
        super().__init__(schema, trunk=trunk, dim=dim, seed=seed, options=options)
        self.head = _head(self, hidden, [experts], dropout, seed)


class PLE(TaskModel):
    """Progressive layered extraction: levels of customised gate control, one upon another.

    Each level gives every target its mixture, and a shared one that sees all experts; the next level reads
    these. See `nn.Experts`.

    Args:
        schema: encoded columns with the targets, in order.
        trunk: a ranker of this schema, which gives up its own head; None reads columns side by side.
        dim: width of the embeddings, where no trunk is given; None is 16.
        hidden: widths of the layers of each expert.
        dropout: share of hidden activations set to zero in training, in [0, 1).
        seed: of the initial weights.
        experts: for each level, numbers of each target's own experts, and of shared ones.
        options: towers, and the tables where no trunk is given.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded.
        ArgumentError: an option is out of range, or does not go with the trunk.

    Source: Tang et al., "Progressive layered extraction", RecSys 2020.

    >>> from shortlist.schema import Column, Domain
    >>> schema = Schema([
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ...     Column("click", "float32", ("target", "binary")),
    ...     Column("buy", "float32", ("target", "binary")),
    ... ])
    >>> PLE(schema, hidden=(8,)).targets
    ('click', 'buy')
    """

    def __init__(
        self,
        schema: Schema,
        *,
        trunk: RankingModel | None = None,
        dim: int | None = None,
        hidden: Sequence[int] = (256, 128),
        dropout: float = 0.0,
        seed: int = 0,
        experts: Sequence[tuple[int, int]] = ((1, 1), (1, 1)),
        options: TaskOptions | None = None,
    ) -> None:
        super().__init__(schema, trunk=trunk, dim=dim, seed=seed, options=options)
        self.head = _head(self, hidden, experts, dropout, seed)


def _head(
    model: TaskModel,
    hidden: Sequence[int],
    counts: Sequence[tuple[int, int]],
    dropout: float,
    seed: int,
) -> ExpertsHead:
    """Levels of experts and the towers of a model."""
    if len(hidden) == 0 or len(counts) == 0:
        raise ArgumentError(
            type(model).__name__,
            received=f"hidden={tuple(hidden)}, {len(counts)} levels",
            expected="at least one layer an expert, and one level",
        )
    levels = [
        Experts(
            model.width if place == 0 else hidden[-1],
            hidden,
            tasks=len(model.outputs),
            own=own,
            shared=shared,
            last=place == len(counts) - 1,
            dropout=dropout,
            seed=derive(seed, "level", place),
        )
        for place, (own, shared) in enumerate(counts)
    ]
    return ExpertsHead(levels, model.towers(hidden[-1], dropout=dropout, seed=seed))
