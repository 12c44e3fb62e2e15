"""Models of several tasks, over any ranker."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from shortlist.data import Batch
from shortlist.errors import ArgumentError
from shortlist.models._arrays import Columns as Tensors
from shortlist.models._tables import Tables
from shortlist.models.ranking._columns import Columns
from shortlist.models.ranking._options import RankerOptions
from shortlist.models.ranking._ranking_model import RankingModel
from shortlist.models.ranking._task_heads import Towers
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["TaskModel", "TaskOptions"]


@dataclass(frozen=True)
class TaskOptions:
    """Options of every model of several tasks.

    >>> TaskOptions(towers=(32,)).batch_norm
    False
    """

    towers: Sequence[int] = (64,)
    """Widths of the hidden layers of each target's own network; () is a linear map."""
    batch_norm: bool = False
    """Whether hidden layers are normalised over the batch before their activation."""
    columns: RankerOptions | None = None
    """Options of the tables, where no trunk is given; None is ``RankerOptions()``."""


class TaskModel(RankingModel):
    """A model of several tasks: a trunk makes a vector of each candidate, a head the answers to all targets.

    Args:
        schema: encoded columns with the targets, in order.
        trunk: a ranker of this schema, which gives up its own head; None reads columns side by side.
        dim: width of the embeddings, where no trunk is given; None is 16.
        seed: of the initial weights.
        options: towers, and the tables where no trunk is given.

    Attributes:
        trunk: what makes the vectors.
        task_options: as given.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded.
        ArgumentError: the trunk is of another schema, or ``dim`` or ``columns`` is given beside it.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        trunk: RankingModel | None,
        dim: int | None,
        seed: int,
        options: TaskOptions | None,
    ) -> None:
        super().__init__(schema)
        self.task_options = chosen = TaskOptions() if options is None else options
        where = type(self).__name__
        if trunk is not None and (dim is not None or chosen.columns is not None):
            raise ArgumentError(
                where,
                received="a trunk, and dim or TaskOptions.columns",
                expected="one of them: a trunk has embeddings of its own",
            )
        if trunk is not None and trunk.schema != schema:
            raise ArgumentError(
                f"{where}.trunk",
                received=f"a {type(trunk).__name__} of {trunk.schema}",
                expected=f"a ranker of {schema}",
                remedy=f"sl.{where}(schema, trunk=sl.DCN(schema))",
            )
        if trunk is None:
            width, own = 16 if dim is None else dim, derive(seed, "columns")
            trunk = Columns(schema, dim=width, seed=own, options=chosen.columns)
        trunk.head = nn.Identity()
        self.trunk, self.width = trunk, trunk.width

    def hidden(self, batch: Batch) -> Tensor:
        """The trunk's vector of each candidate of a batch, ``[N, width]``."""
        return self.trunk.hidden(batch)

    def hidden_of(self, columns: Tensors, query_of: Tensor) -> Tensor:
        """The trunk's vector of each candidate, for tensors: ``[N, width]``."""
        return self.trunk.hidden_of(columns, query_of)

    def embeddings(self) -> Tables | None:
        """The trunk's embedding tables."""
        return self.trunk.embeddings()

    def towers(self, width: int, *, dropout: float, seed: int, hidden: Sequence[int] | None = None) -> Towers:
        """A tower for each target, of the widths of the options if no others are given."""
        return Towers(
            width,
            self.task_options.towers if hidden is None else hidden,
            [output.width for output in self.outputs],
            batch_norm=self.task_options.batch_norm,
            dropout=dropout,
            seed=derive(seed, "towers"),
        )

    def _check_steps(self) -> None:
        if len(self.outputs) < 2 or any(output.kind != "binary" for output in self.outputs):
            raise ArgumentError(
                type(self).__name__,
                received={output.name: output.kind for output in self.outputs},
                expected="two or more binary targets, each a step further than the one before",
                remedy="order the targets in the schema: Schema.select(('click', 'buy', ...))",
            )
