"""What a pipeline's models read of requests and of the items they were answered with."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any, Literal, final

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Batch, Candidates, Flow, Ragged, Requests
from shortlist.pipeline import Stage, State, leaves
from shortlist.schema import FIRST_UNKNOWN, Column, Tags

__all__ = ["Observed", "Observer", "Seen", "Side"]

Side = Literal["query", "item"]
Vectors = npt.NDArray[np.float32]


@final
@dataclass(frozen=True, slots=True)
class Seen:
    """The values of one feature, lists laid end to end.

    Attributes:
        side: ``"query"``, one row a request, or ``"item"``, one row an item that was shown.
        values: float64 [N] with NaN for null, or [N] objects with None.
        unknown: how many are in no vocabulary of the model.
    """

    side: Side
    values: Array
    unknown: int = 0

    @property
    def is_number(self) -> bool:
        """Whether the values are numbers."""
        return self.values.dtype.kind == "f"


@final
@dataclass(frozen=True, slots=True)
class Observed:
    """What models read of some requests.

    Attributes:
        requests: how many.
        features: name -> values.
        vectors: name -> float32 [N, D]: those of the requests, and those of the items shown.
    """

    requests: int
    features: dict[str, Seen] = field(default_factory=dict)
    vectors: dict[str, Vectors] = field(default_factory=dict)


@final
class Observer:
    """Reads again what the models of some stages read.

    A feature is a raw column that a workflow of a stage reads: of the request, of the items that were shown,
    of pairs of both. A list gives two: its values, and their number as ``<name> (length)``; a vector gives
    its length. Times themselves are left out: they always move on. The score of the first item is one more.

    Args:
        stages: of the pipeline.

    Attributes:
        parts: the stages, or the sources that they are made of.
        flows: their workflows, each once.
    """

    def __init__(self, stages: Iterable[Stage]) -> None:
        self.parts = [part for stage in stages for part in leaves(stage)]
        flows = {id(part.flow): part.flow for part in self.parts if hasattr(part, "flow")}
        self.flows: list[Flow] = list(flows.values())
        self._first: dict[tuple[int, str], int] = {}

    def observe(self, requests: Requests, found: Candidates, state: State) -> Observed:
        """Features and vectors of requests and of their answers."""
        features = {"best score": Seen("query", _best_scores(found))}
        for number, flow in enumerate(self.flows):
            raw = state.raw.ranking(flow, requests, state.users(requests), state.times(requests), found)
            unknown = self._unknown(number, flow, raw)
            columns = self._columns(flow, state)
            for name, values in raw.items():
                column = columns.get(name)
                if column is not None and column.has(Tags.TIME):
                    continue
                side: Side = "query" if name in raw.query else "item"
                _add(features, name, values, column, (side, unknown.get(name, 0)))
        return Observed(len(requests), features, self._vectors(requests, found, state))

    def _columns(self, flow: Flow, state: State) -> dict[str, Column]:
        wanted = state.raw.wanted(flow)
        made = (one.made for one in (*wanted.of_query, *wanted.of_item, *wanted.of_pair))
        return {column.name: column for column in (*flow.input_schema, *made)}

    def _vectors(self, requests: Requests, found: Candidates, state: State) -> dict[str, Vectors]:
        vectors: dict[str, Vectors] = {}
        for part in self.parts:
            if not (hasattr(part, "index") and hasattr(part, "model") and hasattr(part, "flow")):
                continue
            index = state.index_now(part.index)
            vectors[f"{part.name} query"] = state.encode_query(part.model, part.flow, requests)
            rows = state.rows_of(index.keys)[found.items]
            vectors[f"{part.name} item"] = index.vectors(rows[rows >= 0])
        return vectors

    def _unknown(self, number: int, flow: Flow, raw: Batch) -> dict[str, int]:
        """Name of a column with a vocabulary -> how many of its values are not in it."""
        counts: dict[str, int] = {}
        for name, codes in flow.transform_batch(raw).items():
            first = self._first_code(number, flow, name)
            if name in raw and first:
                plain = codes.values if isinstance(codes, Ragged) else codes
                counts[name] = int(((plain >= FIRST_UNKNOWN) & (plain < first)).sum())
        return counts

    def _first_code(self, number: int, flow: Any, name: str) -> int:
        """The first code of a vocabulary; 0 where there is none."""
        if (number, name) not in self._first:
            column = flow.schema[name] if name in flow.schema else None  # noqa: SIM401
            has_one = column is not None and column.vocabulary is not None and hasattr(flow, "vocabulary")
            codes = flow.vocabulary(name)["code"].head(1).to_list() if has_one else []
            self._first[number, name] = codes[0] if codes else 0
        return self._first[number, name]


def _best_scores(found: Candidates) -> Array:
    """Float64 [Q]: the first score of each list, NaN for an empty one."""
    best = np.full(len(found), np.nan)
    some = found.lengths > 0
    best[some] = found.scores[found.offsets[:-1][some]]
    return best


def _add(
    features: dict[str, Seen],
    name: str,
    values: Array | Ragged,
    column: Column | None,
    facts: tuple[Side, int],
) -> None:
    side, unknown = facts
    if isinstance(values, Ragged):
        features[f"{name} (length)"] = Seen(side, values.lengths.astype(np.float64))
        values = values.values
    if values.ndim == 2:
        plain = np.asarray(values, np.float64)
        features[f"{name} (length)"] = Seen(side, np.sqrt((plain**2).sum(axis=1)))
        return
    features[name] = Seen(side, _plain(values, column), unknown)


def _plain(values: Array, column: Column | None) -> Array:
    """Numbers as float64 with NaN, all else as objects with None."""
    named = column is not None and not column.tags.isdisjoint((Tags.CATEGORICAL, Tags.ID))
    if not named and values.dtype.kind in "iuf":
        return values.astype(np.float64)
    if values.dtype.kind == "O" and not named and _are_numbers(values):
        return np.array([np.nan if value is None else value for value in values], np.float64)
    if values.dtype.kind == "f":
        return _objects([_whole(value) for value in values.tolist()])
    return values if values.dtype.kind == "O" else _objects(values.tolist())


def _whole(value: float) -> float | int | None:
    """A number that names something, without the decimals it has beside nulls."""
    if isnan(value):
        return None
    return int(value) if value.is_integer() else value


def _are_numbers(values: Array) -> bool:
    known: Sequence[Any] = [value for value in values.tolist() if value is not None]
    return bool(known) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in known
    )


def _objects(values: list[Any]) -> Array:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out
