"""The current version of an index, edited and replaced while it is searched."""

from collections.abc import Callable, Iterable
from pathlib import Path
from threading import RLock
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Index, Keys
from shortlist.errors import BundleError
from shortlist.index._build import rebuild
from shortlist.index._checks import refuse_other_model
from shortlist.index._edit_log import Edit, append_edits, applied, read_edits
from shortlist.index._facts import Facts
from shortlist.index._held import HeldIndex
from shortlist.index._load import load
from shortlist.index._search import VectorIndex
from shortlist.index._versions import current, edits_of, folder_of, holding, roll_back, set_current, written

__all__ = ["LiveIndex", "pinned"]

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@final
class LiveIndex:
    """The current version of a folder that `publish` wrote, with the edits made to it since.

    A search takes whatever index is current when it begins; edits and new versions replace it in one step.
    Edits are on disk when `upsert` and `delete` return, and are there again when the folder is opened after a
    crash. Several processes may hold one folder: what one of them changed, another sees after `refresh`.

    ``keys`` and ``search`` of two moments may belong to two versions: hold ``current`` while both are needed.

    Args:
        folder: of the versions.
        fingerprint: of the model that will make the queries; versions of another model are refused.
        threads: number of threads of one search.
    """

    def __init__(self, folder: str | Path, *, fingerprint: str | None = None, threads: int = 1) -> None:
        self.folder = Path(folder)
        self.fingerprint = fingerprint
        self.threads = threads
        self._lock = RLock()
        self._held: tuple[str, VectorIndex] | None = None
        self._place = 0

    def open(self) -> Self:
        """Load the current version and the edits made to it.

        Raises:
            BundleError: nothing was published, or a file is damaged or of another model.
        """
        self.refresh()
        return self

    @property
    def current(self) -> VectorIndex:
        """The index as it is now; it stays as it is.

        Raises:
            BundleError: it was not opened.
        """
        return self._state[1]

    @property
    def version(self) -> str:
        """Name of the version it was made of."""
        return self._state[0]

    @property
    def keys(self) -> Keys:
        """Raw ids of the current index, in the order of its rows."""
        return self.current.keys

    @property
    def facts(self) -> Facts:
        """What is known about the current index."""
        return self.current.facts

    @property
    def dim(self) -> int:
        """Width D of the vectors."""
        return self.current.dim

    def __len__(self) -> int:
        """Number of vectors N of the current index."""
        return len(self.current)

    def search(self, queries: Vectors, k: int, *, allowed: Mask | None = None) -> tuple[Rows, Vectors]:
        """Search the current index, see `VectorIndex.search`."""
        return self.current.search(queries, k, allowed=allowed)

    def vectors(self, rows: Rows) -> Vectors:
        """Vectors of the current index, see `VectorIndex.vectors`."""
        return self.current.vectors(rows)

    def save(self, folder: str | Path) -> None:
        """Write the current index as a folder of its own, see `VectorIndex.save`."""
        self.current.save(folder)

    def upsert(
        self, ids: Iterable[Any] | Array | Keys, vectors: Vectors, *, fingerprint: str | None = None
    ) -> None:
        """Add items, or replace their vectors; see `VectorIndex.with_items`."""
        keys = ids if isinstance(ids, Keys) else Keys(ids if isinstance(ids, np.ndarray) else list(ids))
        refuse_other_model("LiveIndex.upsert", self.current.facts.model, fingerprint)
        self._edit(Edit(keys.values, np.ascontiguousarray(vectors, dtype=np.float32)))

    def delete(self, ids: Iterable[Any] | Array | Keys) -> None:
        """Remove items; unknown ids are passed over."""
        keys = ids if isinstance(ids, Keys) else Keys(ids if isinstance(ids, np.ndarray) else list(ids))
        self._edit(Edit(keys.values, None))

    def refresh(self) -> bool:
        """See what other processes published, rolled back or edited; whether there was any of it.

        Raises:
            BundleError: the current version is damaged or of another model; the one that was held stays.
        """
        with self._lock, holding(self.folder):
            return self._catch_up()

    def rebuild(self, make: Callable[[VectorIndex], VectorIndex] = rebuild) -> str:
        """Build the index again beside live traffic, and publish it with the edits made meanwhile.

        Searches and edits go on while ``make`` works; only the last step holds edits up for a moment.

        Args:
            make: makes an index of the current one, by default `shortlist.index.rebuild`; for example
                ``lambda old: build(encode(items), items.ids, kind="ivf", fingerprint=old.facts.model)``.

        Returns:
            Name of the new version.

        Raises:
            BundleError: ``make`` gave vectors of another model, or another version was published meanwhile.
        """
        with self._lock, holding(self.folder):
            self._catch_up()
            (version, index), place = self._state, self._place
        fresh = make(index)
        refuse_other_model("LiveIndex.rebuild", fresh.facts.model, index.facts.model)
        with holding(self.folder):
            name = written(fresh, self.folder)
        with self._lock, holding(self.folder):
            if current(self.folder) != version:
                raise BundleError(
                    "LiveIndex.rebuild",
                    received=f"version {current(self.folder)!r}, published meanwhile",
                    expected=f"version {version!r}, which was built again",
                    remedy="start the rebuild again, one at a time",
                )
            since, _ = read_edits(edits_of(self.folder, version), place)
            append_edits(edits_of(self.folder, name), since, 0)
            set_current(self.folder, name)
            self._catch_up()
        return name

    def roll_back(self, to: str | None = None) -> str:
        """Go back to an earlier version and the edits made to it; see `shortlist.index.roll_back`."""
        with self._lock:
            name = roll_back(self.folder, to)
            self.refresh()
        return name

    @property
    def _state(self) -> tuple[str, VectorIndex]:
        if self._held is None:
            raise BundleError(
                str(self.folder), received="a closed index", expected="an open one", remedy="call open()"
            )
        return self._held

    def _edit(self, edit: Edit) -> None:
        with self._lock, holding(self.folder):
            self._catch_up()
            version, index = self._state
            changed = applied(index, [edit])  # refuses what does not fit before anything is written
            self._place = append_edits(edits_of(self.folder, version), [edit], self._place)
            self._held = version, changed

    def _catch_up(self) -> bool:
        version, place, before = current(self.folder), self._place, self._held
        if before is None or before[0] != version:
            index = load(folder_of(self.folder, version), threads=self.threads, fingerprint=self.fingerprint)
            place = 0
        else:
            index = before[1]
        edits, place = read_edits(edits_of(self.folder, version), place)
        self._held, self._place = (version, applied(index, edits)), place
        return before is None or before[0] != version or len(edits) > 0


def pinned(index: Index) -> Index:
    """What an index that is edited is at this moment; any other index as it is."""
    return index.current if isinstance(index, LiveIndex | HeldIndex) else index
