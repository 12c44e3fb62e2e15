"""The optimizers of a model behind one step."""

from typing import Any, cast

import torch
from torch import Tensor, nn

from shortlist.errors import CheckpointError
from shortlist.nn import EmbeddingTables, RowWiseAdagrad, RowWiseAdam
from shortlist.train._average import Average
from shortlist.train._groups import Group, groups_of
from shortlist.train._optimization import Optimization
from shortlist.train._options import FitOptions
from shortlist.train._parts import Parts
from shortlist.train._ranks import Ranks
from shortlist.train._schedule import Schedule

__all__ = ["Optimizers"]

_RowWise = RowWiseAdam | RowWiseAdagrad


class Optimizers:
    """A row-wise optimizer for sparse tables, Adam for others and AdamW for the rest, behind one step.

    Args:
        parts: the model and what its objective learns; their parameters stay where they are.
        options: step sizes, groups and schedule.
        steps: steps in all, which the schedule ends on.
        ranks: the processes that train together; gradients are summed over them.
    """

    def __init__(self, parts: Parts, options: FitOptions, steps: int, ranks: Ranks) -> None:
        chosen, groups = options.optimization, groups_of(parts, options)
        self._ranks, self._clip, self._clip_rows = ranks, chosen.clip, chosen.clip_rows
        self.schedule = Schedule(chosen, steps)
        share = 1.0 if chosen.table_epochs is None else chosen.table_epochs / max(options.epochs, 1)
        self._tables_until = round(steps * share) if share < 1.0 else steps
        self.average = None if chosen.ema is None else Average(parts.model, chosen.ema)
        by_id = {id(part.weight): part for part in parts.modules() if isinstance(part, EmbeddingTables)}
        self._row_wise = [self._rows(group, by_id, chosen) for group in groups if group.kind == "sparse"]
        self._whole = [one for group in groups if group.kind == "table" for one in group.parameters]
        self._dense = [one for group in groups if group.kind == "dense" for one in group.parameters]
        self._of_tables = [*self._row_wise, *_adams([group for group in groups if group.kind == "table"])]
        self._all: list[torch.optim.Optimizer] = [
            *self._of_tables,
            *_adams([group for group in groups if group.kind == "dense"]),
        ]
        self._names = {id(parameter): name for name, parameter in parts.named_parameters()}
        self._lrs = [[float(part["lr"]) for part in optimizer.param_groups] for optimizer in self._all]
        self.lr = options.lr

    def step(self, number: int) -> None:
        """Update the parameters with the gradients at hand, and forget these.

        Args:
            number: the step, counted from 0.
        """
        factor = self.schedule.factor(number)
        self._ranks.sum_gradients([*self._whole, *self._dense])
        if self._clip is not None and len(self._dense) > 0:
            nn.utils.clip_grad_norm_(self._dense, self._clip)
        if self._clip_rows is not None:
            _shorten_rows(self._whole, self._clip_rows)
        for optimizer, lrs in zip(self._all, self._lrs, strict=True):
            for part, lr in zip(optimizer.param_groups, lrs, strict=True):
                part["lr"] = lr * factor
            if number < self._tables_until or optimizer not in self._of_tables:
                optimizer.step()
            optimizer.zero_grad()
        if self.average is not None:
            self.average.step()
        self.lr = (self._lrs[0][0] if len(self._lrs) > 0 else 0.0) * factor

    def tensors(self) -> dict[str, Tensor]:
        """The state, by the names of the parameters: ``name:field``."""
        return {
            f"{self._names[id(parameter)]}:{key}": value if value.ndim > 0 else value.reshape(1)
            for optimizer in self._all
            for parameter, state in optimizer.state.items()
            for key, value in state.items()
        }

    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        """Take back what ``tensors`` gave; a parameter that is not among them keeps its state.

        Raises:
            CheckpointError: it is the state of another optimizer, or of tables of another size.
        """
        fields: dict[str, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            name, field = key.rsplit(":", 1)
            fields.setdefault(name, {})[field] = value
        for optimizer in self._all:
            for part in optimizer.param_groups:
                for parameter in part["params"]:
                    found = fields.get(self._names[id(parameter)])
                    if found is not None:
                        _check_state(self._names[id(parameter)], found, optimizer.state[parameter])
                        optimizer.state[parameter] = {
                            field: (value.reshape(()) if field == "step" else value).to(
                                parameter.device, copy=True
                            )
                            for field, value in found.items()
                        }

    def _rows(self, group: Group, by_id: dict[int, EmbeddingTables], options: Optimization) -> _RowWise:
        kind = RowWiseAdam if options.tables == "adam" else RowWiseAdagrad
        tables = [by_id[id(parameter)] for parameter in group.parameters]
        made = kind(tables, lr=group.lr, l2=group.decay, clip=options.clip_rows)
        made.exchange = self._ranks.sum_rows if self._ranks.several else None
        made.follower = self.average
        return made


def _adams(groups: list[Group]) -> list[torch.optim.Optimizer]:
    if len(groups) == 0:
        return []
    parts = [
        {"params": list(group.parameters), "lr": group.lr, "weight_decay": group.decay} for group in groups
    ]
    return [torch.optim.AdamW(cast("Any", parts), fused=True)]


def _check_state(name: str, found: dict[str, Tensor], own: dict[str, Tensor]) -> None:
    shapes = [{key: tuple(value.shape) for key, value in state.items()} for state in (found, own)]
    # Other optimizers than the row-wise make their state at the first step, so there is nothing to compare.
    if len(own) > 0 and shapes[0] != shapes[1]:
        raise CheckpointError(
            f"optimizer state of {name!r}",
            received=f"{shapes[0]}",
            expected=f"{shapes[1]}",
            remedy="use the Optimization.tables of the run that the state is of, or leave the state out",
        )


@torch.no_grad()
def _shorten_rows(tables: list[nn.Parameter], largest: float) -> None:
    for table in tables:
        if table.grad is not None:
            norms = table.grad.norm(dim=1, keepdim=True)
            table.grad.mul_(largest / norms.clamp(min=largest))
