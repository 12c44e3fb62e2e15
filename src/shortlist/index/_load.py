"""Reading an index from its folder."""

from pathlib import Path

from shortlist.errors import BundleError
from shortlist.index._checks import refuse_other_model
from shortlist.index._files import read_index
from shortlist.index._search import VectorIndex
from shortlist.index._versions import folder_of

__all__ = ["load"]


def load(
    folder: str | Path,
    *,
    threads: int = 1,
    mapped: bool = True,
    verify: bool = True,
    fingerprint: str | None = None,
    dim: int | None = None,
) -> VectorIndex:
    """Load what `VectorIndex.save` wrote; it gives the same answers.

    Args:
        folder: the index's folder, or one with versions, of which the current one is loaded.
        threads: number of threads of one search.
        mapped: map the vectors instead of copying them: processes that load one folder share its memory.
        verify: compare checksums, which reads every file once.
        fingerprint: of the model that will make the queries; an index of another model's vectors is refused.
        dim: width of the queries; an index of another width is refused.

    Raises:
        BundleError: a file is missing or damaged, of another format, metric, model or width.

    >>> import tempfile, numpy as np
    >>> from shortlist.index import build
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     build(np.eye(2, dtype=np.float32), [7, 8]).save(folder)
    ...     load(folder)
    VectorIndex(exact, 2 x 2, recall@100 1.000)
    """
    place = folder_of(Path(folder))
    structure, keys, facts, overlay = read_index(place, mapped=mapped, verify=verify)
    refuse_other_model(str(place), facts.model, fingerprint)
    if dim is not None and facts.dim != dim:
        raise BundleError(
            str(place),
            received=f"vectors of width {facts.dim}",
            expected=f"vectors of width {dim}",
            remedy="build the index with the vectors of the model that encodes the queries",
        )
    return VectorIndex(structure, keys, facts, threads=threads, overlay=overlay)
