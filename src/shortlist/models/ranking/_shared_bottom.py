"""One network below, a tower for each target above."""

from collections.abc import Sequence

from shortlist.models.ranking._ranking_model import RankingModel
from shortlist.models.ranking._task_heads import BottomHead
from shortlist.models.ranking._task_model import TaskModel, TaskOptions
from shortlist.nn import MLP
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["SharedBottom"]


class SharedBottom(TaskModel):
    """One network that all targets share, then a tower for each: ``logits_t = tower_t(MLP(x))``.

    Args:
        schema: encoded columns with the targets, in order.
        trunk: a ranker of this schema, which gives up its own head; None reads columns side by side.
        dim: width of the embeddings, where no trunk is given; None is 16.
        hidden: widths of the shared hidden layers.
        dropout: share of hidden activations set to zero in training, in [0, 1).
        seed: of the initial weights.
        options: towers, and the tables where no trunk is given.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded.
        ArgumentError: an option is out of range, or does not go with the trunk.

    Source: Caruana, "Multitask learning", Machine Learning 1997.

    >>> from shortlist.schema import Column, Domain
    >>> schema = Schema([
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ...     Column("click", "float32", ("target", "binary")),
    ...     Column("buy", "float32", ("target", "binary")),
    ... ])
    >>> SharedBottom(schema, hidden=(8,)).targets
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
        options: TaskOptions | None = None,
    ) -> None:
        super().__init__(schema, trunk=trunk, dim=dim, seed=seed, options=options)
        bottom = MLP(
            self.width,
            hidden,
            dropout=dropout,
            batch_norm=self.task_options.batch_norm,
            activate_last=True,
            seed=derive(seed, "bottom"),
        )
        self.head = BottomHead(bottom, self.towers(bottom.output_dim, dropout=dropout, seed=seed))
