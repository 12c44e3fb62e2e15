"""What a model that `export_triton` wrote runs inside Triton's python backend."""

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from shortlist.data import Candidates, Requests
from shortlist.errors import ShortlistError
from shortlist.pipeline import Pipeline
from shortlist.server._ask import Ask, together
from shortlist.server._desk import Desk
from shortlist.server._inference import ask_of, outputs_of
from shortlist.server._options import ServerOptions
from shortlist.server._results import results_of
from shortlist.server._tensors import Values

__all__ = ["model"]

_MOST_USERS = 100_000
_NAMES = ("position", "found_score", "found_by")


def model(settings: str) -> type:
    """The class that the python backend looks for, for the bundle beside ``model.py``.

    Args:
        settings: JSON with the bundle's folder, the clock, and the stage to run; null runs them all.
    """
    chosen: dict[str, Any] = json.loads(settings)

    class TritonPythonModel:
        """A bundle, or one stage of it."""

        def initialize(self, args: Mapping[str, str]) -> None:
            folder = Path(args["model_repository"]) / args["model_version"] / chosen["bundle"]
            self.desk = Desk.open(folder, ServerOptions(clock=chosen["clock"]))

        def execute(self, requests: list[Any]) -> list[Any]:
            backend = import_module("triton_python_backend_utils")
            return [self._answer(backend, request) for request in requests]

        def _answer(self, backend: Any, request: Any) -> Any:
            try:
                tensors = {one.name(): _texts(one.as_numpy()) for one in request.inputs()}
                found = _answered(self.desk, tensors, chosen)
            except ShortlistError as error:
                return backend.InferenceResponse([], backend.TritonError(str(error)))
            return backend.InferenceResponse([backend.Tensor(name, values) for name, values in found.items()])

    return TritonPythonModel


def _answered(desk: Desk, tensors: Mapping[str, Values], chosen: Mapping[str, Any]) -> dict[str, Values]:
    flight = {name: values for name, values in tensors.items() if name.startswith((*_NAMES, "column_"))}
    asked = {name: values for name, values in tensors.items() if name not in flight}
    ask = ask_of(desk, asked, _MOST_USERS, None)
    if chosen["stage"] is None:
        (answer,) = desk.run([ask])
        if isinstance(answer, Exception):
            raise answer
        return outputs_of(answer[0], ask.k)
    return _stage(desk.pipe, ask, flight, chosen)


def _stage(
    pipe: Pipeline, ask: Ask, flight: Mapping[str, Values], chosen: Mapping[str, Any]
) -> dict[str, Values]:
    """One stage: the first also asks the fallback, the last cuts at k."""
    place, requests = chosen["stage"], together([ask])
    if place == 0:
        found = pipe[:1].run(_deep(requests))
    else:
        found = pipe.stages[place].run(requests, _found(flight, chosen["given"]), pipe.state.for_run())
    if place < len(pipe.stages) - 1:
        return _tensors(found, chosen["columns"])
    (lists,) = results_of([ask], found.first(ask.k), pipe.state)
    return outputs_of(lists, ask.k)


def _deep(requests: Requests) -> Requests:
    """The same requests without a cut: the stages after the source decide what is shown."""
    return Requests(requests.users, 2**31 - 1, requests.times, requests.context, ids=requests.ids)


def _tensors(found: Candidates, columns: list[str]) -> dict[str, Values]:
    width = int(found.lengths.max(initial=0))
    place = np.arange(len(found.items)) - np.repeat(found.offsets[:-1], found.lengths)

    def spread(values: Values, empty: Any, dtype: Any) -> Values:
        table = np.full((len(found), width), empty, dtype=dtype)
        table[found.query_of, place] = values
        return table

    names = np.array([source.encode() for source in found.sources] or [b""], dtype=object)
    return {
        "position": spread(found.items, -1, np.int64),
        "found_score": spread(found.scores, 0, np.float32),
        "found_by": spread(names[found.source], b"", object),
    } | {f"column_{name}": spread(found.columns[name], np.nan, np.float32) for name in columns}


def _found(flight: Mapping[str, Values], columns: list[str]) -> Candidates:
    real = flight["position"] >= 0
    offsets = np.zeros(len(real) + 1, dtype=np.int64)
    np.cumsum(real.sum(axis=1), out=offsets[1:])
    names, source = np.unique(flight["found_by"][real].astype(str), return_inverse=True)
    return Candidates(
        flight["position"][real],
        offsets,
        flight["found_score"][real],
        source.astype(np.int16),
        tuple(names.tolist()),
        {name: flight[f"column_{name}"][real] for name in columns},
    )


def _texts(values: Values) -> Values:
    if values.dtype != object:
        return values
    texts = np.empty(values.size, dtype=object)
    texts[:] = [value.decode() if isinstance(value, bytes) else value for value in values.ravel().tolist()]
    return texts.reshape(values.shape)
