"""Adaptive information transfer between steps."""

from collections.abc import Sequence

from shortlist.models.ranking._ranking_model import RankingModel
from shortlist.models.ranking._task_heads import TransferHead
from shortlist.models.ranking._task_model import TaskModel, TaskOptions
from shortlist.nn import MLP
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["AITM"]


class AITM(TaskModel):
    """Adaptive information transfer: each step's vector takes over what the step before knows.

    The targets are steps, each possible only after the one before. With ``q_t = MLP_t(x)``, ``z_1 = q_1`` and
    ``z_t`` attention over ``relu(W z_{t-1} + b)`` and q_t (see `nn.InformationTransfer`), the logit is
    ``tower_t(z_t)``. Train with ``TaskLosses(ordered=0.6)``, which keeps a step from being likelier than the
    one before.

    Args:
        schema: encoded columns with the targets, in order.
        trunk: a ranker of this schema, which gives up its own head; None reads columns side by side.
        dim: width of the embeddings, where no trunk is given; None is 16.
        hidden: widths of the layers of each MLP_t.
        dropout: share of hidden activations set to zero in training, in [0, 1).
        seed: of the initial weights.
        options: towers, and the tables where no trunk is given.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded.
        ArgumentError: an option is out of range, or does not go with the trunk.

    Source: Xi et al., "Modeling the sequential dependence among audience multi-step conversions with
    multi-task learning in targeted display advertising", KDD 2021 (arXiv 2105.08489).

    >>> from shortlist.schema import Column, Domain
    >>> schema = Schema([
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ...     Column("click", "float32", ("target", "binary")),
    ...     Column("buy", "float32", ("target", "binary")),
    ... ])
    >>> AITM(schema, hidden=(8,)).targets
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
        bottoms = [
            MLP(
                self.width,
                hidden,
                dropout=dropout,
                batch_norm=self.task_options.batch_norm,
                activate_last=True,
                seed=derive(seed, "bottom", place),
            )
            for place in range(len(self.outputs))
        ]
        width = bottoms[0].output_dim
        towers = self.towers(width, dropout=dropout, seed=seed)
        self.head = TransferHead(bottoms, width, towers, seed=derive(seed, "transfer"))
