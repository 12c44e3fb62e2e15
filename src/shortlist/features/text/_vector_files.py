"""Vectors by key in a folder of Arrow files that several processes may read and add to at once."""

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from shortlist.errors import DataError
from shortlist.io import atomic_write

__all__ = ["KEY_BYTES", "VectorFiles"]

KEY_BYTES = 16

Keys = npt.NDArray[np.uint64]
Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Segment:
    """One file: keys [n, 2] in rising order of the first half, and vectors [n, D], on disk till read."""

    keys: Keys
    vectors: Vectors

    def find(self, keys: Keys, out: Vectors, known: npt.NDArray[np.bool_]) -> None:
        """Fill in the vectors of the unknown keys that stand here, and mark them as known."""
        wanted = np.flatnonzero(~known)
        rows = _search(self.keys, keys[wanted])
        hit = wanted[rows >= 0]
        out[hit] = self.vectors[rows[rows >= 0]]
        known[hit] = True


class VectorFiles:
    """A cache: what is missing or was removed is made anew, what stands there is never changed.

    Every `add` writes one file under a temporary name and renames it, so a process that is killed leaves no
    half file, and processes never wait for each other. Files that others add are seen at the next `find`.

    Args:
        folder: where the files stand; made at the first `add`.
        dim: width of the vectors D.
    """

    def __init__(self, folder: Path, dim: int) -> None:
        self._folder, self._dim = folder, dim
        self._segments: dict[str, _Segment] = {}
        self._lock = Lock()

    def find(self, keys: Keys) -> tuple[Vectors, npt.NDArray[np.bool_]]:
        """Vectors float32 [N, D] of keys uint64 [N, 2], and which of them are known [N].

        Raises:
            DataError: a file is damaged.
        """
        out = np.zeros((len(keys), self._dim), dtype=np.float32)
        known = np.zeros(len(keys), dtype=np.bool_)
        for segment in self._opened():
            if known.all():
                break
            segment.find(keys, out, known)
        return out, known

    def add(self, keys: Keys, vectors: Vectors) -> None:
        """Write vectors by key.

        Raises:
            DataError: the folder cannot be written to.
        """
        order = np.argsort(keys[:, 0], kind="stable")
        sorted_keys = np.ascontiguousarray(keys[order])
        batch = _to_arrow(sorted_keys, vectors[order])
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)
        name = blake2b(sorted_keys.tobytes(), digest_size=8).hexdigest()
        atomic_write(self._folder / f"{name}.arrow", sink.getvalue().to_pybytes())

    def _opened(self) -> list[_Segment]:
        with self._lock:
            for path in sorted(self._folder.glob("*.arrow")):
                if path.name not in self._segments:
                    segment = _open(path, self._dim)
                    if segment is not None:
                        self._segments[path.name] = segment
            return list(self._segments.values())


def _open(path: Path, dim: int) -> _Segment | None:
    try:
        with pa.memory_map(str(path)) as source:
            batch = pa.ipc.open_file(source).get_batch(0)
        keys = np.frombuffer(batch.column("key").buffers()[1], np.uint64)[: 2 * len(batch)].reshape(-1, 2)
        vectors = batch.column("vector").flatten().to_numpy(zero_copy_only=True).reshape(len(batch), dim)
    except FileNotFoundError:  # somebody cleared the cache in this moment
        return None
    except (pa.ArrowException, KeyError, ValueError, OSError) as error:
        raise DataError(
            str(path),
            received=f"a damaged file ({str(error).splitlines()[0]})",
            expected=f"vectors of width {dim} by key",
            remedy="remove this file; its vectors will be made anew",
        ) from error
    return _Segment(keys, vectors)


def _to_arrow(keys: Keys, vectors: Vectors) -> pa.RecordBatch:
    plain = pa.py_buffer(keys.tobytes())
    named = pa.FixedSizeBinaryArray.from_buffers(pa.binary(KEY_BYTES), len(keys), [None, plain])
    rows = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
    return pa.record_batch([named, rows], names=["key", "vector"])


def _search(known: Keys, keys: Keys) -> Rows:
    """Row of each key among keys in rising order of the first half, -1 for others."""
    rows = np.searchsorted(known[:, 0], keys[:, 0])
    found = np.full(len(keys), -1, dtype=np.int64)
    inside = np.flatnonzero(rows < len(known))
    hit = inside[(known[rows[inside]] == keys[inside]).all(axis=1)]
    found[hit] = rows[hit]
    return found
