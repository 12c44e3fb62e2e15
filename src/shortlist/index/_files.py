"""An index as a folder: ``index.faiss``, ``ids.arrow``, ``index.json``, and what else its kind needs."""

import json
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import polars as pl
import pyarrow as pa

from shortlist.data import Keys
from shortlist.errors import BundleError
from shortlist.index._facts import METRIC, Facts
from shortlist.index._overlay import Overlay
from shortlist.index._structure import Structure
from shortlist.io import atomic_folder, atomic_write, checksum

__all__ = ["read_index", "stamp", "write_index"]

_FORMAT = 2
_ALWAYS = ("index.faiss", "ids.arrow")


def write_index(
    folder: Path, structure: Structure, keys: Keys, facts: Facts, overlay: Overlay | None
) -> None:
    """Write the folder: it appears whole or not at all."""
    kind = pa.string() if keys.values.dtype == object else pa.int64()
    table = pa.table({"id": pa.array(keys.values, kind)})
    with atomic_folder(folder) as fresh:
        faiss.write_index(structure.codes, str(fresh / "index.faiss"))
        with pa.ipc.new_file(fresh / "ids.arrow", table.schema) as writer:
            writer.write_table(table)
        if structure.raw is not None:
            faiss.write_index(structure.raw, str(fresh / "vectors.faiss"))
        if structure.directions is not None:
            np.save(fresh / "directions.npy", structure.directions)
        if overlay is not None:
            np.save(fresh / "added.npy", overlay.added)
            np.save(fresh / "slots.npy", overlay.slots)
        checksums = {path.name: checksum(path) for path in sorted(fresh.iterdir())}
        plain = {"format": _FORMAT, **facts.to_json(), "checksums": checksums}
        (fresh / "index.json").write_text(json.dumps(plain, indent=1))


def read_index(folder: Path, *, mapped: bool, verify: bool) -> tuple[Structure, Keys, Facts, Overlay | None]:
    """Read what `write_index` wrote.

    Raises:
        BundleError: a file is missing or damaged, of another format or metric, or does not fit the others.
    """
    plain = _read_json(folder / "index.json")
    version = plain.pop("format", None)
    if version != _FORMAT:
        raise BundleError(
            str(folder / "index.json"),
            received=f"format {version}",
            expected=f"format {_FORMAT}",
            remedy="load the index with the version of Shortlist that wrote it, or build it again",
        )
    checksums = dict(plain.pop("checksums", {}))
    facts = Facts.from_json(plain)
    _check_metric(folder, facts)
    for name in sorted({*_ALWAYS, *checksums}):
        path = folder / name
        if not path.is_file():
            raise _damaged(path, "no such file")
        if verify and checksum(path) != checksums.get(name):
            raise _damaged(path, "a file that differs from its checksum")
    try:
        found = _read_parts(folder, set(checksums), mapped=mapped)
    except (RuntimeError, OSError, ValueError, pa.ArrowInvalid, KeyError) as error:
        raise _damaged(folder, str(error).strip().splitlines()[-1]) from error
    structure, keys, overlay = found
    rows = structure.count if overlay is None else len(overlay.slots)
    if (structure.dim, rows, len(keys)) != (facts.dim, facts.count, facts.count):
        raise _damaged(folder, f"{rows} x {structure.dim} vectors and {len(keys)} ids")
    return structure, keys, facts, overlay


def stamp(folder: Path, model: str) -> None:
    """Say of which model the vectors of a written index are."""
    path = folder / "index.json"
    atomic_write(path, json.dumps(_read_json(path) | {"model": model}, indent=1).encode())


def _read_parts(folder: Path, names: set[str], *, mapped: bool) -> tuple[Structure, Keys, Overlay | None]:
    # The flag for maps hands the work to the operating system: pages are read when first searched.
    flag = faiss.IO_FLAG_MMAP_IFC if mapped else 0
    raw = faiss.read_index(str(folder / "vectors.faiss"), flag) if "vectors.faiss" in names else None
    directions = np.load(folder / "directions.npy") if "directions.npy" in names else None
    structure = Structure(faiss.read_index(str(folder / "index.faiss"), flag), raw, directions)
    with pa.memory_map(str(folder / "ids.arrow")) as source:
        keys = Keys.trusted(_values(pa.ipc.open_file(source).read_all().column("id")))
    if "slots.npy" not in names:
        return structure, keys, None
    slots, added = np.load(folder / "slots.npy"), np.load(folder / "added.npy")
    return structure, keys, Overlay(slots, added, structure.count)


def _check_metric(folder: Path, facts: Facts) -> None:
    if facts.metric != METRIC:
        raise BundleError(
            str(folder / "index.json"),
            received=f"the metric {facts.metric!r}",
            expected=f"the metric {METRIC!r}",
            remedy="build the index again from its vectors; for cosine, make them of length 1",
        )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        plain = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(plain, dict):
        raise _damaged(path, f"JSON of type {type(plain).__name__}")
    return plain


def _values(column: Any) -> Any:
    if not pa.types.is_integer(column.type):
        return column.to_pylist()
    return pl.Series(column).to_numpy()  # pyarrow's own way loads pandas


def _damaged(path: Path, received: str) -> BundleError:
    return BundleError(
        str(path),
        received=received,
        expected="the files of one index, as VectorIndex.save wrote them",
        remedy="copy the folder again, or build the index again",
    )
