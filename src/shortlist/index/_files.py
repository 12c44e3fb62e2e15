"""An index as a folder: ``index.faiss``, ``ids.arrow``, ``index.json``."""

import json
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pyarrow as pa

from shortlist.data import Keys
from shortlist.errors import BundleError
from shortlist.index._facts import Facts
from shortlist.io import atomic_folder, checksum

__all__ = ["read_index", "write_index"]

_FORMAT = 1
_FILES = ("index.faiss", "ids.arrow")


def write_index(folder: Path, structure: Any, keys: Keys, facts: Facts) -> None:
    """Write the folder: it appears whole or not at all."""
    kind = pa.string() if keys.values.dtype == object else pa.int64()
    table = pa.table({"id": pa.array(keys.values, kind)})
    with atomic_folder(folder) as fresh:
        faiss.write_index(structure, str(fresh / "index.faiss"))
        with pa.ipc.new_file(fresh / "ids.arrow", table.schema) as writer:
            writer.write_table(table)
        checksums = {name: checksum(fresh / name) for name in _FILES}
        plain = {"format": _FORMAT, **facts.to_json(), "checksums": checksums}
        (fresh / "index.json").write_text(json.dumps(plain, indent=1))


def read_index(folder: Path, *, mapped: bool, verify: bool) -> tuple[Any, Keys, Facts]:
    """Read what `write_index` wrote.

    Raises:
        BundleError: a file is missing or damaged, of another format, or does not fit the others.
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
    checksums = plain.pop("checksums", {})
    facts = Facts.from_json(plain)
    for name in _FILES:
        path = folder / name
        if not path.is_file():
            raise _damaged(path, "no such file")
        if verify and checksum(path) != checksums.get(name):
            raise _damaged(path, "a file that differs from its checksum")
    try:
        # The flag for maps hands the work to the operating system: pages are read when first searched.
        structure = faiss.read_index(str(folder / "index.faiss"), faiss.IO_FLAG_MMAP_IFC if mapped else 0)
        with pa.memory_map(str(folder / "ids.arrow")) as source:
            keys = Keys(_values(pa.ipc.open_file(source).read_all().column("id")))
    except (RuntimeError, OSError, pa.ArrowInvalid, KeyError) as error:
        raise _damaged(folder, str(error).strip().splitlines()[-1]) from error
    if (structure.d, structure.ntotal, len(keys)) != (facts.dim, facts.count, facts.count):
        raise _damaged(folder, f"{structure.ntotal} x {structure.d} vectors and {len(keys)} ids")
    return structure, keys, facts


def _read_json(path: Path) -> dict[str, Any]:
    try:
        plain = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(plain, dict):
        raise _damaged(path, f"JSON of type {type(plain).__name__}")
    return plain


def _values(column: Any) -> Any:
    return np.array(column) if pa.types.is_integer(column.type) else column.to_pylist()


def _damaged(path: Path, received: str) -> BundleError:
    return BundleError(
        str(path),
        received=received,
        expected="the files of one index, as VectorIndex.save wrote them",
        remedy="copy the folder again, or build the index again",
    )
