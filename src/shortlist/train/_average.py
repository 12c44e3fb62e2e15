"""The moving average of the weights, of tables too, at the cost of the rows that a step touches."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from shortlist.nn import EmbeddingTables, sparse_tables

__all__ = ["Average"]


class Average:
    """For every weight ``a <- d_t a + (1 - d_t) w`` after step t, ``d_t = min(decay, (1 + t) / (10 + t))``.

    A table row that no step touches keeps its weights w meanwhile, so its average after any number of steps
    is ``w + P (a - w)`` with P the product of their decays. Rows are brought up to date when they are next
    touched, and all of them when the average is read: the numbers are those of the dense rule. A table costs
    a copy of itself and one float64 a row.

    Args:
        model: whose weights are averaged; at their present values to begin with.
        decay: in [0, 1).
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._model, self._decay = model, decay
        self._steps, self._log = 0, 0.0
        self._tables = {f"{name}.weight" if name else "weight": part for name, part in _named_tables(model)}
        self._average = {
            name: value.detach().clone()
            for name, value in model.state_dict().items()
            if value.is_floating_point()
        }
        self._seen = {
            name: torch.zeros(len(part.weight), dtype=torch.float64, device=part.weight.device)
            for name, part in self._tables.items()
        }

    @torch.no_grad()
    def before(self, tables: EmbeddingTables, rows: Tensor) -> None:
        """Bring rows up to date with their weights before these change."""
        name = self._name_of(tables)
        old, average = tables.weight.index_select(0, rows), self._average[name]
        kept = (self._log - self._seen[name].index_select(0, rows)).exp().to(old.dtype).unsqueeze(1)
        average.index_copy_(0, rows, old + kept * (average.index_select(0, rows) - old))
        self._seen[name].index_fill_(0, rows, self._log)

    @torch.no_grad()
    def after(self, tables: EmbeddingTables, rows: Tensor) -> None:
        """Average rows with the weights that they have now, for the step under way."""
        name = self._name_of(tables)
        now, average = tables.weight.index_select(0, rows), self._average[name]
        average.index_copy_(0, rows, now.lerp(average.index_select(0, rows), self._next()))
        self._seen[name].index_fill_(0, rows, self._log + math.log(max(self._next(), 1e-300)))

    @torch.no_grad()
    def step(self) -> None:
        """Average all that is not a sparse table, and count the step."""
        decay = self._next()
        for name, value in self._model.state_dict().items():
            if name in self._average and name not in self._tables:
                self._average[name].copy_(value.lerp(self._average[name], decay))
        self._steps, self._log = self._steps + 1, self._log + math.log(max(decay, 1e-300))

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The model holds the average inside, and its own weights again afterwards."""
        own = {name: value.detach().clone() for name, value in self._model.state_dict().items()}
        self._model.load_state_dict({**own, **self.weights()})
        try:
            yield
        finally:
            self._model.load_state_dict(own)

    @torch.no_grad()
    def weights(self) -> dict[str, Tensor]:
        """The average by name, as of the last step."""
        current = dict(self._average)
        for name, part in self._tables.items():
            kept = (self._log - self._seen[name]).exp().to(part.weight.dtype).unsqueeze(1)
            current[name] = part.weight.lerp(self._average[name], kept)
        return current

    def tensors(self) -> dict[str, Tensor]:
        """The state, by name."""
        numbers = torch.tensor([float(self._steps), self._log], dtype=torch.float64)
        seen = {f"{name}:seen": value for name, value in self._seen.items()}
        return {**{f"{name}:average": value for name, value in self._average.items()}, **seen, ":": numbers}

    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        """Go on from where ``tensors`` was taken."""
        steps, log = tensors[":"].tolist()
        self._steps, self._log = int(steps), float(log)
        for name, value in self._average.items():
            value.copy_(tensors[f"{name}:average"])
        for name, value in self._seen.items():
            value.copy_(tensors[f"{name}:seen"])

    def _next(self) -> float:
        return min(self._decay, (1 + self._steps) / (10 + self._steps))

    def _name_of(self, tables: EmbeddingTables) -> str:
        return next(name for name, part in self._tables.items() if part is tables)


def _named_tables(model: nn.Module) -> list[tuple[str, EmbeddingTables]]:
    sparse = {id(part) for part in sparse_tables(model)}
    return [
        (name, part)
        for name, part in model.named_modules()
        if isinstance(part, EmbeddingTables) and id(part) in sparse
    ]
