"""A run on disk: weights, optimizer and plain state, in a folder that appears whole."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from shortlist.errors import CheckpointError, DataError
from shortlist.io import atomic_folder, read_manifest, write_manifest

__all__ = ["Checkpoint", "read_checkpoint", "write_checkpoint"]

_FORMAT = 2
_PARTS = ("weights", "best", "average", "optimizer")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All that decides the rest of a run."""

    weights: dict[str, Tensor]
    """Parameters and buffers of the model by name."""
    best: dict[str, Tensor]
    """Those of the best epoch; empty if they are the current ones or there is none yet."""
    average: dict[str, Tensor]
    """State of the moving average of the weights; empty without one."""
    optimizer: dict[str, Tensor]
    """State of the optimizers."""
    state: dict[str, Any]
    """Plain data: positions, history, schema fingerprint."""


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Replace ``folder/last`` in one step; a process that is killed leaves the one before.

    The folder holds safetensors and JSON, and a manifest with the checksum of every file.
    """
    with atomic_folder(folder / "last") as fresh:
        for part in _PARTS:
            tensors: dict[str, Tensor] = getattr(checkpoint, part)
            whole = {name: value.contiguous().cpu() for name, value in tensors.items()}
            save_file(whole, fresh / f"{part}.safetensors")
        (fresh / "state.json").write_text(json.dumps(checkpoint.state, indent=1))
        write_manifest(fresh, {"format": _FORMAT})


def read_checkpoint(folder: Path, like: dict[str, Tensor]) -> Checkpoint | None:
    """The checkpoint of a folder, or None if it has none.

    Args:
        folder: as given to `write_checkpoint`.
        like: parameters and buffers of the model that shall take the weights.

    Raises:
        CheckpointError: a file is missing or damaged, the format is unknown, or it is another model's.
    """
    for left_over in folder.glob(".last.*-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    last = folder / "last"
    if not last.exists():
        return None
    try:
        manifest = read_manifest(last)
        _check_format(last, manifest)
        tensors = {part: load_file(last / f"{part}.safetensors") for part in _PARTS}
        state = json.loads((last / "state.json").read_text())
    except (DataError, SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            str(last),
            received=str(error),
            expected="a whole checkpoint",
            remedy="remove the folder to start anew, or restore it from a copy",
        ) from error
    _check_names(last, tensors["weights"], like)
    return Checkpoint(**tensors, state=state)


def _check_format(last: Path, manifest: dict[str, Any]) -> None:
    if manifest.get("format") != _FORMAT:
        raise CheckpointError(
            str(last),
            received=f"format {manifest.get('format')}",
            expected=f"format {_FORMAT}",
            remedy="resume with the version that wrote it",
        )


def _check_names(last: Path, found: dict[str, Tensor], like: dict[str, Tensor]) -> None:
    shapes = [{name: tuple(value.shape) for name, value in tensors.items()} for tensors in (found, like)]
    wrong = sorted(
        name for name in shapes[0].keys() | shapes[1].keys() if shapes[0].get(name) != shapes[1].get(name)
    )
    if len(wrong) > 0:
        raise CheckpointError(
            str(last),
            received=f"{wrong[0]!r} of shape {shapes[0].get(wrong[0], 'none')}",
            expected=f"shape {shapes[1].get(wrong[0], 'none')}: the checkpoint of another model",
            remedy="build the model as in the first run, or start in another folder",
        )
