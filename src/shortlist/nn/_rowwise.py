"""Optimizers that update only the rows a batch touched."""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, Protocol, TypeAlias, overload

import numpy.typing as npt
import torch
from torch import Tensor
from torch.optim import Optimizer

from shortlist.errors import ArgumentError
from shortlist.nn._embedding import EmbeddingTables
from shortlist.nn._row_steps import first_biases, row_loops

__all__ = ["RowFollower", "RowWiseAdagrad", "RowWiseAdam"]

Options: TypeAlias = dict[str, Any]
RowState: TypeAlias = dict[str, Tensor]
_Touched: TypeAlias = tuple[Tensor, Tensor, Tensor]


class RowFollower(Protocol):
    """For type-checking only: what is told which rows a step changes, as an average of weights needs."""

    def before(self, tables: EmbeddingTables, rows: Tensor) -> None:
        """These distinct rows are about to change."""

    def after(self, tables: EmbeddingTables, rows: Tensor) -> None:
        """They have changed."""


class _RowWise(Optimizer):
    """Takes the recorded gradients of each matrix of tables and hands the touched rows to ``_update``.

    Attributes:
        exchange: maps the rows ``[R]`` and gradients ``[R, D]`` of this process to those of all processes.
        follower: is told of the rows before and after they change.
    """

    exchange: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None = None
    follower: RowFollower | None = None

    def __init__(self, tables: EmbeddingTables | Iterable[EmbeddingTables], defaults: Options) -> None:
        self.tables = [tables] if isinstance(tables, EmbeddingTables) else list(tables)
        where = type(self).__name__
        if len(self.tables) == 0 or not all(part.sparse for part in self.tables):
            raise ArgumentError(
                f"{where}.tables",
                received=[f"sparse={part.sparse}" for part in self.tables],
                expected="one or more EmbeddingTables made with sparse=True",
                remedy="give dense tables to an optimizer of torch.optim",
            )
        for name in ("lr", "eps", "l2"):
            if not defaults[name] >= 0.0:
                raise ArgumentError(f"{where}.{name}", received=defaults[name], expected="a number >= 0")
        if defaults["clip"] is not None and not defaults["clip"] > 0.0:
            raise ArgumentError(f"{where}.clip", received=defaults["clip"], expected="a number > 0, or None")
        super().__init__([part.weight for part in self.tables], defaults)
        for part in self.tables:
            self.state[part.weight].update(self._initial_state(part.weight, self.param_groups[0]))

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Update the touched rows with the gradients recorded since the last step, and forget these.

        Args:
            closure: optionally, computes the loss and its gradients; its value is returned.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        options = self.param_groups[0]
        for part in self.tables:
            rows, grads = part.take_gradients()
            if self.exchange is not None:
                rows, grads = self.exchange(rows, grads)
            self._step(part, rows, grads, options)
        return loss

    def _step(self, part: EmbeddingTables, rows: Tensor, grads: Tensor, options: Options) -> None:
        if self.follower is not None:
            self.follower.before(part, rows)
        state, loops = self.state[part.weight], row_loops(part.weight)
        if loops is None or options["clip"] is not None:
            grads = _prepared(part, rows, grads, options)
            # Added, not subtracted: index_add_ with alpha=-1 takes a path ten times as slow.
            part.weight.index_add_(0, rows, self._update(rows, grads, state, options))
        elif len(rows) > 0:
            self._loop(loops, (part.weight, rows, grads), state, options)
        part.zero_padding()
        if self.follower is not None:
            self.follower.after(part, rows)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients recorded so far."""
        super().zero_grad(set_to_none)
        for part in self.tables:
            part.take_gradients()

    @abstractmethod
    def _initial_state(self, weight: Tensor, options: Options) -> RowState: ...

    @abstractmethod
    def _update(self, rows: Tensor, grads: Tensor, state: RowState, options: Options) -> Tensor:
        """What is added to the rows ``[R]``, given their gradients: ``[R, D]``."""

    @abstractmethod
    def _loop(self, loops: ModuleType, part: _Touched, state: RowState, options: Options) -> None:
        """The same by a compiled loop, with the pull of ``l2``, in place: weight, rows, gradients."""


def _prepared(part: EmbeddingTables, rows: Tensor, grads: Tensor, options: Options) -> Tensor:
    """The gradients with the pull of ``l2``, each row no longer than ``clip``."""
    if options["l2"] > 0.0:
        grads = grads.add(part.weight.index_select(0, rows), alpha=options["l2"])
    if options["clip"] is not None:
        norms = grads.norm(dim=1, keepdim=True)
        grads = grads * (options["clip"] / norms.clamp(min=options["clip"]))
    return grads


class RowWiseAdagrad(_RowWise):
    """Adagrad with one accumulator per row, on the touched rows only.

    For a touched row with summed gradient g of width D, and every other row left as it is::

        a <- a + mean(g * g)
        w <- w - lr * g / (sqrt(a) + eps)

    The state is one number per row instead of D: 1/D of the memory and traffic of Adagrad. Any
    ``torch.optim.lr_scheduler`` works on it.

    Args:
        tables: the tables to train, made with ``sparse=True``.
        lr: step size.
        eps: added to the root, so that a zero gradient makes no step.
        initial_accumulator: a before the first step; higher makes the first steps shorter.
        l2: strength of ``l2 / 2 * |w|^2`` on the touched rows.
        clip: largest norm of the gradient of one row, which is shortened to it; None does not clip.

    Raises:
        ArgumentError: dense tables, or a negative option.

    Source: Duchi, Hazan, Singer, "Adaptive subgradient methods", JMLR 2011; per row as in Mudigere et al.,
    "Software-hardware co-design for fast and scalable training of deep learning recommendation models", 2022.

    >>> tables = EmbeddingTables({"item": 3}, dim=1, init_std=0.0)
    >>> optimizer = RowWiseAdagrad(tables, lr=0.5)
    >>> tables.lookup("item", torch.tensor([2, 2])).sum().backward()
    >>> optimizer.step()
    >>> tables.weight.detach().ravel().tolist()
    [0.0, 0.0, -0.5]
    """

    def __init__(
        self,
        tables: EmbeddingTables | Iterable[EmbeddingTables],
        *,
        lr: float = 0.05,
        eps: float = 1e-8,
        initial_accumulator: float = 0.0,
        l2: float = 0.0,
        clip: float | None = None,
    ) -> None:
        if not initial_accumulator >= 0.0:
            raise ArgumentError(
                "RowWiseAdagrad.initial_accumulator", received=initial_accumulator, expected="a number >= 0"
            )
        super().__init__(
            tables, {"lr": lr, "eps": eps, "initial_accumulator": initial_accumulator, "l2": l2, "clip": clip}
        )

    def _initial_state(self, weight: Tensor, options: Options) -> RowState:
        return {"accumulator": weight.new_full((len(weight),), options["initial_accumulator"])}

    def _update(self, rows: Tensor, grads: Tensor, state: RowState, options: Options) -> Tensor:
        accumulator = state["accumulator"].index_select(0, rows) + grads.square().mean(1)
        state["accumulator"].index_copy_(0, rows, accumulator)
        scale: Tensor = -options["lr"] / (accumulator.sqrt() + options["eps"])
        return grads * scale.unsqueeze(1)

    def _loop(self, loops: ModuleType, part: _Touched, state: RowState, options: Options) -> None:
        weight, rows, grads = part
        loops.step_adagrad(*_arrays(weight, state["accumulator"], rows, grads), _rates(options))


class RowWiseAdam(_RowWise):
    """Adam with one second moment per row, on the touched rows only.

    For a row touched for the t-th time with summed gradient g of width D, and every other row left as it is::

        m <- beta1 * m + (1 - beta1) * g
        v <- beta2 * v + (1 - beta2) * mean(g * g)
        w <- w - lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)

    Each row counts its own steps, so a rare row's first step is as long as a frequent one's. Any
    ``torch.optim.lr_scheduler`` works on it.

    Args:
        tables: the tables to train, made with ``sparse=True``.
        lr: step size.
        betas: decay of the first and of the second moment per step.
        eps: added to the root, so that a zero gradient makes no step.
        l2: strength of ``l2 / 2 * |w|^2`` on the touched rows.
        clip: largest norm of the gradient of one row, which is shortened to it; None does not clip.

    Raises:
        ArgumentError: dense tables, a negative option, or a beta outside [0, 1).

    Source: Kingma, Ba, "Adam: a method for stochastic optimization", ICLR 2015.

    >>> tables = EmbeddingTables({"item": 3}, dim=1, init_std=0.0)
    >>> optimizer = RowWiseAdam(tables, lr=0.5)
    >>> tables.lookup("item", torch.tensor([2, 2])).sum().backward()
    >>> optimizer.step()
    >>> round(tables.weight[2].item(), 6)
    -0.5
    """

    def __init__(
        self,
        tables: EmbeddingTables | Iterable[EmbeddingTables],
        *,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        l2: float = 0.0,
        clip: float | None = None,
    ) -> None:
        if not all(0.0 <= beta < 1.0 for beta in betas):
            raise ArgumentError("RowWiseAdam.betas", received=betas, expected="two numbers in [0, 1)")
        super().__init__(tables, {"lr": lr, "betas": tuple(betas), "eps": eps, "l2": l2, "clip": clip})

    def _initial_state(self, weight: Tensor, options: Options) -> RowState:  # noqa: ARG002
        return {
            "first": torch.zeros_like(weight, requires_grad=False),
            "second": weight.new_zeros(len(weight)),
            "steps": weight.new_zeros(len(weight)),
        }

    def _update(self, rows: Tensor, grads: Tensor, state: RowState, options: Options) -> Tensor:
        beta1, beta2 = options["betas"]
        steps = state["steps"].index_select(0, rows) + 1
        first = state["first"].index_select(0, rows).lerp_(grads, 1 - beta1)
        second = state["second"].index_select(0, rows).lerp_(grads.square().mean(1), 1 - beta2)
        for name, value in (("steps", steps), ("first", first), ("second", second)):
            state[name].index_copy_(0, rows, value)
        # 1 - beta^t needs the digits of float64 while t is small.
        bias1, bias2 = (1 - beta ** steps.double() for beta in (beta1, beta2))
        scale: Tensor = -options["lr"] / (bias1 * ((second / bias2).sqrt() + options["eps"]))
        return first.mul_(scale.to(first.dtype).unsqueeze(1))

    def _loop(self, loops: ModuleType, part: _Touched, state: RowState, options: Options) -> None:
        weight, rows, grads = part
        beta1, beta2 = (float(beta) for beta in options["betas"])
        loops.step_adam(
            *_arrays(weight),
            tuple(_arrays(*(state[name] for name in ("first", "second", "steps")))),
            tuple(_arrays(rows, grads)),
            _rates(options),
            (beta1, first_biases(beta1), beta2, first_biases(beta2)),
        )


def _rates(options: Options) -> tuple[float, float, float]:
    return float(options["lr"]), float(options["eps"]), float(options["l2"])


def _arrays(*tensors: Tensor) -> list[npt.NDArray[Any]]:
    return [tensor.detach().contiguous().numpy() for tensor in tensors]
