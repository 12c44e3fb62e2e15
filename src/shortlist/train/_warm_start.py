"""Going on from yesterday's model when vocabularies have changed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from shortlist.errors import ArgumentError, CheckpointError
from shortlist.features import Workflow
from shortlist.nn import EmbeddingTables
from shortlist.train._average import Average
from shortlist.train._bounds import one_of
from shortlist.train._checkpoint import Checkpoint, read_checkpoint
from shortlist.train._code_map import CodeMap, code_maps
from shortlist.train._parts import Parts

__all__ = ["WarmStart", "load_weights", "warm_start"]

Fresh: TypeAlias = Literal["initial", "unknown", "mean"]
_OWN_HISTORIES = "_history"


@dataclass(frozen=True)
class WarmStart:
    """What was carried over; printed as a small table.

    Attributes:
        tables: table -> rows kept, rows of new values, and rows whose value is gone.
        kept: parameters that are no tables and were kept.
        fresh: parameters and tables that have no counterpart, and keep their initial values.
        optimizer: state of the optimizers by parameter; empty unless asked for.
    """

    tables: dict[str, tuple[int, int, int]]
    kept: tuple[str, ...]
    fresh: tuple[str, ...]
    optimizer: dict[str, Tensor] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        lines = [
            f"{name}: {kept:,} rows kept, {new:,} new, {gone:,} gone"
            for name, (kept, new, gone) in self.tables.items()
        ]
        lines.append(f"{len(self.kept)} other parameters kept")
        return "\n".join([*lines, *([f"not carried over: {', '.join(self.fresh)}"] if self.fresh else [])])


@torch.no_grad()
def warm_start(
    model: nn.Module,
    old_model: nn.Module,
    flow: Workflow,
    old_flow: Workflow,
    *,
    fresh: Fresh = "initial",
    optimizer: str | Path | None = None,
) -> WarmStart:
    """Give a new model what an old one has learned, row by row of its tables, in place.

    Codes are by count, so the same item has another code every day: a row is kept by its value. Tables of
    values that no vocabulary numbers (hours, hash buckets) are kept whole if their size is the same, and so
    are all other parameters of the same name and shape.

    Args:
        model: built from the schema of ``flow``; keeps its own initial values where nothing is carried over.
        old_model: as it was trained.
        flow: today's fitted workflow.
        old_flow: the workflow that the old model was trained with.
        fresh: what rows of new values start from: ``"initial"`` leaves the model's own random values (by its
            seed), ``"unknown"`` is the row that stood for them until now, ``"mean"`` that of all old values.
        optimizer: folder of the checkpoints of the old run, to carry its optimizers' state over as well: pass
            the result as ``FitOptions(start=...)``. New rows start as in a new run.

    Returns:
        What was kept.

    Raises:
        ArgumentError: an unknown ``fresh``, or a model that does not belong to its workflow.
        CheckpointError: ``optimizer`` holds no checkpoint of the old model.
    """
    one_of("warm_start.fresh", fresh, ("initial", "unknown", "mean"))
    pairs = _pairs(model, old_model, code_maps(flow, old_flow))
    for pair in pairs:
        _fill(pair, fresh)
    kept = _same_parameters(model, old_model)
    state = {} if optimizer is None else _state(_read(Path(optimizer), old_model).optimizer, pairs, kept)
    counts = {
        pair.table: (int((pair.map.old >= 0).sum()), int((pair.map.old < 0).sum()), pair.gone)
        for pair in pairs
    }
    in_tables = {parameter for _, _, parameter in _tables(model)}
    left = [name for name, _ in model.named_parameters() if name not in {*kept, *in_tables}]
    left += [table for table, _, _ in _tables(model) if table not in counts]
    return WarmStart(counts, tuple(kept), tuple(left), state)


def load_weights(model: nn.Module, folder: str | Path) -> None:
    """Give a model the weights that a run in this folder has come to: its best, if it validates.

    Args:
        model: built as the one that was trained.
        folder: as in ``Checkpoints(folder)``.

    Raises:
        CheckpointError: there is no checkpoint, it is damaged, or it is another model's.
    """
    found = _read(Path(folder), model)
    parts = Parts(model, None)
    own = {name: value for name, value in found.weights.items() if name in parts.everything()}
    parts.load(own)
    if len(found.best) > 0:
        parts.load(found.best)
    elif len(found.average) > 0:
        average = Average(model, 0.0)
        average.load_tensors(found.average)
        parts.load(parts.weights() | average.weights())


def _read(folder: Path, model: nn.Module) -> Checkpoint:
    found = read_checkpoint(folder, Parts(model, None).everything())
    if found is None:
        raise CheckpointError(
            str(folder),
            received="no checkpoint",
            expected="the folder of a run that wrote checkpoints",
            remedy="FitOptions(checkpoint=Checkpoints(folder))",
        )
    return found


@dataclass(frozen=True)
class _Pair:
    """A table in the new and in the old model, the parameters that hold it, and which rows are the same."""

    table: str
    new: EmbeddingTables
    new_parameter: str
    old: EmbeddingTables
    old_parameter: str
    map: CodeMap

    @property
    def gone(self) -> int:
        """Old rows that nothing takes."""
        return self.map.size - len(np.unique(self.map.old[self.map.old >= 0]))

    def new_rows(self, values: Tensor) -> Tensor:
        """The table's part of what has a row for each row of the new matrix."""
        return values[self.new.starts[self.table] :][: self.new.rows[self.table]]

    def old_rows(self, values: Tensor) -> Tensor:
        """The same of the old one."""
        return values[self.old.starts[self.table] :][: self.old.rows[self.table]]


def _tables(model: nn.Module) -> Iterator[tuple[str, EmbeddingTables, str]]:
    """Each table, the module that holds it, and the name of its parameter."""
    for name, part in model.named_modules():
        if isinstance(part, EmbeddingTables):
            for table in part.rows:
                yield table, part, f"{name}.weight" if name else "weight"


def _pairs(model: nn.Module, old_model: nn.Module, maps: dict[str, CodeMap]) -> list[_Pair]:
    before = {table: (part, parameter) for table, part, parameter in _tables(old_model)}
    found = []
    for table, part, parameter in _tables(model):
        old, old_parameter = before.get(table, (None, ""))
        if old is None or old.dim != part.dim:
            continue
        own = _map(table, part.rows[table], old.rows[table], maps)
        if own is not None:
            found.append(_Pair(table, part, parameter, old, old_parameter, own))
    return found


def _map(table: str, rows: int, old_rows: int, maps: dict[str, CodeMap]) -> CodeMap | None:
    """Which rows are the same; None if the tables have nothing in common."""
    found = maps.get(table, maps.get(table.removesuffix(_OWN_HISTORIES)))
    if found is None:
        return CodeMap(np.arange(rows), 0, rows) if rows == old_rows else None
    if (len(found.old), found.size) != (rows, old_rows):
        raise ArgumentError(
            f"warm_start: table {table!r}",
            received=f"{rows} rows now and {old_rows} before",
            expected=f"{len(found.old)} and {found.size}, the codes of the workflows",
            remedy="give each model with the workflow whose schema it was built from",
        )
    return found


def _fill(pair: _Pair, fresh: Fresh) -> None:
    mine = pair.new_rows(pair.new.weight)
    theirs = pair.old_rows(pair.old.weight).to(mine.device, mine.dtype)
    old = torch.from_numpy(pair.map.old).to(mine.device)
    known = old >= 0
    mine[known] = theirs[old[known]]
    values = mine[pair.map.first :][known[pair.map.first :]]
    if fresh == "mean" and len(values) > 0:
        mine[~known] = values.mean(0)
    elif fresh != "initial" and pair.map.first > 2:
        mine[~known] = mine[2].clone()


def _same_parameters(model: nn.Module, old_model: nn.Module) -> list[str]:
    """Copy what has the same name and shape and is no table; the names."""
    tables = {parameter for _, _, parameter in _tables(model)}
    before, kept = old_model.state_dict(), []
    for name, value in model.state_dict().items():
        if name not in tables and name in before and before[name].shape == value.shape:
            value.copy_(before[name])
            kept.append(name)
    return kept


def _state(before: dict[str, Tensor], pairs: list[_Pair], kept: list[str]) -> dict[str, Tensor]:
    """The optimizers' state with the rows where they are now."""
    fields: dict[str, dict[str, Tensor]] = {}
    for key, values in before.items():
        parameter, name = key.rsplit(":", 1)
        fields.setdefault(parameter, {})[name] = values
    state = {key: values for key, values in before.items() if key.rsplit(":", 1)[0] in kept}
    for pair in pairs:
        old = torch.from_numpy(pair.map.old)
        known = old >= 0
        for name, values in fields.get(pair.old_parameter, {}).items():
            if len(values) != len(pair.old.weight):  # the step count of a dense optimizer
                state[f"{pair.new_parameter}:{name}"] = values
                continue
            fresh = values.new_zeros(len(pair.new.weight), *values.shape[1:])
            whole = state.setdefault(f"{pair.new_parameter}:{name}", fresh)
            pair.new_rows(whole)[known] = pair.old_rows(values)[old[known]]
    return state
