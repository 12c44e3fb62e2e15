"""The entire space multi-task model."""

from collections.abc import Sequence

from shortlist.models.ranking._ranking_model import RankingModel
from shortlist.models.ranking._task_heads import ChainHead
from shortlist.models.ranking._task_model import TaskModel, TaskOptions
from shortlist.schema import Schema

__all__ = ["ESMM"]


class ESMM(TaskModel):
    """The entire space multi-task model: a click, then what comes of it, learned from all impressions.

    The targets are steps, each possible only after the one before, as click and purchase. A tower a step
    gives the chance of it after those before; the answer for target t is the product of the first t chances:
    ``p(click and purchase) = p(click) p(purchase | click)``. Its loss is over all rows, so that the last
    steps learn without the bias of rows that were clicked; labels are of the whole: 1 where all steps
    happened.

    Args:
        schema: encoded columns with the targets, in order.
        trunk: a ranker of this schema, which gives up its own head; None reads columns side by side.
        dim: width of the embeddings, where no trunk is given; None is 16.
        hidden: widths of the hidden layers of each tower.
        dropout: share of hidden activations set to zero in training, in [0, 1).
        seed: of the initial weights.
        options: norm, and the tables where no trunk is given.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded.
        ArgumentError: an option is out of range, or does not go with the trunk.

    Source: Ma et al., "Entire space multi-task model", SIGIR 2018 (arXiv 1804.07931).

    >>> from shortlist.schema import Column, Domain
    >>> schema = Schema([
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ...     Column("click", "float32", ("target", "binary")),
    ...     Column("buy", "float32", ("target", "binary")),
    ... ])
    >>> ESMM(schema, hidden=(8,)).targets
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
        self._check_steps()
        self.head = ChainHead(self.towers(self.width, dropout=dropout, seed=seed, hidden=hidden))
