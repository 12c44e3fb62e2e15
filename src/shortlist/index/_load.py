"""Reading an index from its folder."""

from pathlib import Path

from shortlist.errors import BundleError
from shortlist.index._files import read_index
from shortlist.index._search import VectorIndex

__all__ = ["load"]


def load(
    folder: str | Path,
    *,
    threads: int = 1,
    mapped: bool = True,
    verify: bool = True,
    fingerprint: str | None = None,
) -> VectorIndex:
    """Load what `VectorIndex.save` wrote; it gives the same answers.

    Args:
        folder: the index's folder.
        threads: number of threads of one search.
        mapped: map the vectors instead of copying them: processes that load one folder share its memory.
        verify: compare checksums, which reads every file once.
        fingerprint: of the model that will make the queries; an index of another model's vectors is refused.

    Raises:
        BundleError: a file is missing or damaged, of another format or another model.

    >>> import tempfile, numpy as np
    >>> from shortlist.index import build
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     build(np.eye(2, dtype=np.float32), [7, 8]).save(folder)
    ...     load(folder)
    VectorIndex(exact, 2 x 2, recall@100 1.000)
    """
    structure, keys, facts = read_index(Path(folder), mapped=mapped, verify=verify)
    if fingerprint is not None and facts.model != fingerprint:
        raise BundleError(
            str(folder),
            received=f"vectors of the model {facts.model!r}",
            expected=f"vectors of the model {fingerprint!r}",
            remedy="build the index with the vectors of the model that encodes the queries",
        )
    return VectorIndex(structure, keys, facts, threads=threads)
