"""Weights on disk, once: the graphs refer to the safetensors file."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from torch import nn

from shortlist.data import Array
from shortlist.errors import ExportError, near

__all__ = ["WEIGHTS", "Stored", "link_weights", "load_weights", "write_weights"]

WEIGHTS = "weights.safetensors"

# Smaller constants stay in the graph: a reference takes about as much room.
_SMALLEST = 1024


class Stored(NamedTuple):
    """A tensor of the weights file.

    Attributes:
        array: its values.
        start: its first byte in the file.
    """

    array: Array
    start: int


def write_weights(model: nn.Module, path: Path) -> list[Stored]:
    """Write all weights of a model; one that bears two names is written under the first."""
    arrays: dict[str, Array] = {}
    seen: set[tuple[int, torch.Size]] = set()
    for name, tensor in model.state_dict().items():
        place = (tensor.data_ptr(), tensor.shape)
        if tensor.numel() == 0 or place not in seen:
            arrays[name] = tensor.detach().cpu().contiguous().numpy()
        seen.add(place)
    save_file(arrays, path)
    path.chmod(0o644)  # the library leaves it to its owner alone
    return [Stored(arrays[name], start) for name, start in _starts(path).items()]


def load_weights(model: nn.Module, folder: str | Path) -> None:
    """Read the weights of an exported part into a model of the same shape, to go on training from.

    Nothing is changed when they do not fit.

    Raises:
        ExportError: the file is missing or damaged, or names or shapes differ.
    """
    path = Path(folder) / WEIGHTS
    try:
        arrays = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ExportError(
            str(path), received=str(error), expected="a weights file", remedy="export the model again"
        ) from error
    own = model.state_dict()
    wrong = [name for name, array in arrays.items() if name not in own or own[name].shape != array.shape]
    places = {own[name].data_ptr() for name in arrays if name in own}
    wrong += [name for name, tensor in own.items() if name not in arrays and tensor.data_ptr() not in places]
    if wrong:
        raise ExportError(
            str(path),
            received=f"weights that do not fit {wrong[0]!r} of {type(model).__name__}",
            expected="the names and shapes of the model",
            remedy=f"build the model as it was built for the export; {near(wrong[0], own)}",
        )
    with torch.no_grad():
        for name, array in arrays.items():
            own[name].copy_(torch.from_numpy(array))


def link_weights(graph: Any, stored: list[Stored]) -> None:
    """Let a graph's large constants refer to the equal tensors of the weights file beside it.

    The towers of a model share their tables; on disk and in memory (ONNX Runtime maps the file) each table is
    there once.
    """
    for constant in graph.graph.initializer:
        values = onnx.numpy_helper.to_array(constant)
        same = (one for one in stored if values.nbytes >= _SMALLEST and _equal(one.array, values))
        if (found := next(same, None)) is not None:
            constant.ClearField("raw_data")
            constant.data_location = onnx.TensorProto.EXTERNAL
            place = {"location": WEIGHTS, "offset": found.start, "length": values.nbytes}
            for key, value in place.items():
                constant.external_data.add(key=key, value=str(value))


def _equal(one: Array, other: Array) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and np.array_equal(one, other)


def _starts(path: Path) -> dict[str, int]:
    """First byte of each tensor: after 8 bytes, the header's length, and the header."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return {name: 8 + length + facts["data_offsets"][0] for name, facts in header.items()}
