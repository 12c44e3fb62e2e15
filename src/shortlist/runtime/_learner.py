"""Classical models as part folders: ``part.json`` and a file for each array."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.errors import BundleError, DataError, ExportError, near
from shortlist.io import atomic_folder, checksum
from shortlist.scorers import (
    ItemFactors,
    ItemNeighbours,
    ItemPopularity,
    ItemProjection,
    ItemWeights,
    Model,
    OwnItems,
    PairFactors,
)

__all__ = ["load_learner", "save_learner"]

_FORMAT = 1
_KINDS: Mapping[str, type[Model]] = {
    "item_factors": ItemFactors,
    "item_neighbours": ItemNeighbours,
    "item_popularity": ItemPopularity,
    "item_projection": ItemProjection,
    "item_weights": ItemWeights,
    "own_items": OwnItems,
    "pair_factors": PairFactors,
}


def save_learner(model: Any, folder: str | Path) -> None:
    """Write a fitted classical model as a folder that `load_learner` reads; it appears whole or not at all.

    Args:
        model: what the ``fit`` of a learner of ``shortlist.models.classical`` gave.
        folder: where it will stand.

    Raises:
        ExportError: it is something else.
    """
    kind = next((name for name, made in _KINDS.items() if type(model) is made), None)
    if kind is None:
        raise ExportError(
            "save of a learner",
            received=type(model).__name__,
            expected="a fitted classical model",
            remedy="only what the learners of shortlist.models.classical give can be saved",
        )
    files = {}
    with atomic_folder(Path(folder)) as fresh:
        for name, array in model.arrays().items():
            path = fresh / f"{name}.npy"
            np.save(path, array, allow_pickle=False)
            files[path.name] = {"bytes": path.stat().st_size, "blake2b": checksum(path)}
        plain = {"format": _FORMAT, "kind": "learner", "model": kind, "files": files}
        (fresh / "part.json").write_text(json.dumps(plain, indent=1))


def load_learner(folder: str | Path, *, verify: bool = True) -> Model:
    """Read a classical model that `save_learner` wrote; it scores as the saved one does.

    Args:
        folder: holds ``part.json`` and the arrays.
        verify: compare checksums, which reads every file once more.

    Raises:
        BundleError: a file is missing or damaged, or the folder holds something else.
    """
    root = Path(folder)
    model, files = _facts(root / "part.json")
    try:
        arrays = {Path(name).stem: _array(root / name, facts, verify) for name, facts in files.items()}
        return model.from_arrays(arrays)
    except (OSError, ValueError, TypeError, AttributeError, DataError) as error:
        raise _damaged(root, f"{type(error).__name__}: {error}") from error


def _facts(path: Path) -> tuple[type[Model], dict[str, dict[str, Any]]]:
    try:
        plain = json.loads(path.read_text())
        version, kind, model, files = (plain[name] for name in ("format", "kind", "model", "files"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error
    if version != _FORMAT or kind != "learner" or model not in _KINDS:
        raise BundleError(
            str(path),
            received=f"format {version}, kind {kind!r}, model {model!r}",
            expected=f"format {_FORMAT}, kind 'learner', a model of this version",
            remedy=near(str(model), _KINDS),
        )
    return _KINDS[model], files


def _array(path: Path, facts: Mapping[str, Any], verify: bool) -> npt.NDArray[Any]:
    if path.stat().st_size != facts["bytes"] or (verify and checksum(path) != facts["blake2b"]):
        raise _damaged(path, "a file that differs from its checksum")
    array: npt.NDArray[Any] = np.load(path, allow_pickle=False)
    return array


def _damaged(path: Path, received: str) -> BundleError:
    return BundleError(
        str(path),
        received=received,
        expected="the files of one classical model",
        remedy="copy the folder again, or save the model again",
    )
