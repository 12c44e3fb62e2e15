"""The optimizers of a model and the course of their step sizes."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from shortlist.nn import EmbeddingTables, RowWiseAdagrad, RowWiseAdam, dense_parameters, sparse_tables
from shortlist.train._options import FitOptions, Optimization

__all__ = ["Optimizers"]

_LARGEST_DENSE_LR = 1e-3


class Optimizers:
    """A row-wise optimizer for sparse tables, Adam for others and AdamW for the rest, behind one step.

    Args:
        model: the model; its parameters stay where they are.
        options: step sizes and schedule.
        steps: steps in all, which the schedule ends on.
    """

    def __init__(self, model: nn.Module, options: FitOptions, steps: int) -> None:
        self._options, self._steps = options.optimization, steps
        self._all: dict[str, torch.optim.Optimizer] = {}
        tables = sparse_tables(model)
        if len(tables) > 0:
            row_wise = RowWiseAdam if self._options.tables == "adam" else RowWiseAdagrad
            self._all["tables"] = row_wise(tables, lr=options.lr, l2=self._options.l2)
        whole = [
            part.weight for part in model.modules() if isinstance(part, EmbeddingTables) and not part.sparse
        ]
        if len(whole) > 0:
            self._all["whole_tables"] = torch.optim.Adam(whole, lr=options.lr, fused=True)
        self._dense = _others(dense_parameters(model), whole)
        if len(self._dense) > 0:
            decay = self._options.weight_decay
            self._all["dense"] = torch.optim.AdamW(
                self._dense, lr=_dense_lr(options), weight_decay=decay, fused=True
            )
        self._lrs = {name: float(optimizer.param_groups[0]["lr"]) for name, optimizer in self._all.items()}
        self.lr = options.lr

    def step(self, number: int) -> None:
        """Update the parameters with the gradients at hand, and forget these.

        Args:
            number: the step, counted from 0.
        """
        factor = _factor(self._options, number, self._steps)
        if self._options.clip is not None and len(self._dense) > 0:
            nn.utils.clip_grad_norm_(self._dense, self._options.clip)
        for name, optimizer in self._all.items():
            optimizer.param_groups[0]["lr"] = self._lrs[name] * factor
            optimizer.step()
            optimizer.zero_grad()
        self.lr = next(iter(self._lrs.values()), 0.0) * factor

    def tensors(self) -> dict[str, Tensor]:
        """The state, by names that are the same for the same model and options."""
        return {
            f"{name}.{place}.{key}": value if value.ndim > 0 else value.reshape(1)
            for name, optimizer in self._all.items()
            for place, state in optimizer.state_dict()["state"].items()
            for key, value in state.items()
        }

    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        """Take back what ``tensors`` gave."""
        for name, optimizer in self._all.items():
            state: dict[int, dict[str, Any]] = {}
            for key, value in tensors.items():
                owner, place, field = key.split(".", 2)
                if owner == name:
                    state.setdefault(int(place), {})[field] = value.reshape(()) if field == "step" else value
            optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def _dense_lr(options: FitOptions) -> float:
    given = options.optimization.dense_lr
    return min(options.lr / 3, _LARGEST_DENSE_LR) if given is None else given


def _others(parameters: list[nn.Parameter], left_out: list[nn.Parameter]) -> list[nn.Parameter]:
    known = {id(parameter) for parameter in left_out}
    return [parameter for parameter in parameters if id(parameter) not in known]


def _factor(options: Optimization, number: int, steps: int) -> float:
    warm = options.warmup * steps
    if number + 1 < warm:
        return (number + 1) / warm
    if options.schedule == "constant":
        return 1.0
    done = (number - warm) / max(steps - warm, 1.0)
    falling = 1.0 - min(max(done, 0.0), 1.0)
    return falling if options.schedule == "linear" else 0.5 * (1.0 - math.cos(math.pi * falling))
