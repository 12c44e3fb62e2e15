"""Which parameters of a model share one step size and one regularisation."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

from torch import nn

from shortlist.errors import ArgumentError, near
from shortlist.nn import EmbeddingTables
from shortlist.train._optimization import ParameterGroup
from shortlist.train._options import FitOptions
from shortlist.train._parts import Parts

__all__ = ["Group", "Kind", "groups_of"]

Kind: TypeAlias = Literal["sparse", "table", "dense"]
_LARGEST_DENSE_LR = 1e-3


@dataclass(frozen=True)
class Group:
    """Parameters of one kind that are stepped alike: rows of sparse tables, whole tables, or all else."""

    kind: Kind
    names: tuple[str, ...]
    parameters: tuple[nn.Parameter, ...]
    lr: float
    decay: float
    """Weight decay of dense parameters, l2 of sparse tables."""


def groups_of(model: Parts, options: FitOptions) -> list[Group]:
    """Every parameter of a run once.

    Raises:
        ArgumentError: a named group fits no parameter, or sets what none of its parameters has.
    """
    kinds = _kinds(model)
    named = options.optimization.groups
    gathered: dict[tuple[Kind, float, float], list[tuple[str, nn.Parameter]]] = {}
    of_group: dict[int, set[Kind]] = {place: set() for place in range(len(named))}
    for name, parameter in model.named_parameters():
        kind = kinds.get(id(parameter), "dense")
        place = next((at for at, one in enumerate(named) if fnmatchcase(name, one.pattern)), None)
        chosen = None if place is None else named[place]
        if place is not None:
            of_group[place].add(kind)
        key = (kind, _lr(kind, chosen, options), _decay(kind, parameter, chosen, options))
        gathered.setdefault(key, []).append((name, parameter))
    for place, kinds_found in of_group.items():
        _check(named[place], kinds_found, model)
    return [
        Group(kind, tuple(name for name, _ in found), tuple(one for _, one in found), lr, decay)
        for (kind, lr, decay), found in gathered.items()
    ]


def _kinds(model: Parts) -> dict[int, Kind]:
    parts = [part for part in model.modules() if isinstance(part, EmbeddingTables)]
    return {id(part.weight): "sparse" if part.sparse else "table" for part in parts}


def _lr(kind: Kind, group: ParameterGroup | None, options: FitOptions) -> float:
    if group is not None and group.lr is not None:
        return group.lr
    if kind != "dense":
        return options.lr
    given = options.optimization.dense_lr
    return min(options.lr / 3, _LARGEST_DENSE_LR) if given is None else given


def _decay(kind: Kind, parameter: nn.Parameter, group: ParameterGroup | None, options: FitOptions) -> float:
    if kind == "sparse":
        own = None if group is None else group.l2
        return options.optimization.l2 if own is None else own
    if kind == "table":
        return 0.0 if group is None or group.weight_decay is None else group.weight_decay
    own = None if group is None else group.weight_decay
    decay = options.optimization.weight_decay if own is None else own
    # Biases and the scales of norms say where zero is; pulling them to zero regularises nothing.
    return decay if parameter.ndim > 1 else 0.0


def _check(group: ParameterGroup, kinds: set[Kind], model: Parts) -> None:
    where = f"ParameterGroup({group.pattern!r})"
    if len(kinds) == 0:
        names = [name for name, _ in model.named_parameters()]
        raise ArgumentError(
            where,
            received="no parameter of its own",
            expected="a pattern that fits a name",
            remedy=near(group.pattern, names),
        )
    if group.l2 is not None and "sparse" not in kinds:
        raise ArgumentError(
            where,
            received="l2, but no sparse tables",
            expected="l2 on sparse tables",
            remedy="weight_decay is for other parameters",
        )
    if group.weight_decay is not None and kinds == {"sparse"}:
        raise ArgumentError(
            where,
            received="weight_decay, but sparse tables only",
            expected="weight_decay on other parameters",
            remedy="l2 is for sparse tables",
        )
