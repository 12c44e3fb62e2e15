"""The FAISS structures that are searched, one function a family."""

from typing import Any

import faiss as _faiss
import numpy as np
import numpy.typing as npt

from shortlist.index._faiss import using_threads

__all__ = ["flat", "hnsw", "in_lists", "main_directions", "product", "scalar"]

faiss: Any = _faiss  # its type hints do not know its Python wrappers

Vectors = npt.NDArray[np.float32]

_SCALARS = {"fp16": "QT_fp16", "sq8": "QT_8bit", "ivf_sq8": "QT_8bit"}
# Centres of a part of product quantisation: 4 bits, which fit the registers of a processor.
_BITS = 4
_CENTRES = 2**_BITS


def flat(vectors: Vectors) -> Any:
    """All vectors as they are."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return index


def scalar(vectors: Vectors, kind: str) -> Any:
    """Every number in 16 or 8 bits: ``fp16`` or ``sq8``."""
    code = getattr(faiss.ScalarQuantizer, _SCALARS[kind])
    index = faiss.IndexScalarQuantizer(vectors.shape[1], code, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    index.add(vectors)
    return index


def product(vectors: Vectors, seed: int) -> Any:
    """Every two numbers (one, of an odd width) in 4 bits, by the nearest of 16 centres."""
    dim = vectors.shape[1]
    index = faiss.IndexPQFastScan(dim, _parts(dim), _BITS, faiss.METRIC_INNER_PRODUCT)
    _seeded(index.pq.cp, seed)
    index.train(_enough(vectors))
    index.add(vectors)
    return index


def in_lists(vectors: Vectors, kind: str, lists: int, seed: int) -> Any:
    """Vectors, or their codes, in lists around k-means centres: ``ivf``, ``ivf_sq8`` or ``ivf_pq``."""
    dim, metric = vectors.shape[1], faiss.METRIC_INNER_PRODUCT
    centres = faiss.IndexFlatIP(dim)
    if kind == "ivf":
        index = faiss.IndexIVFFlat(centres, dim, lists, metric)
    elif kind == "ivf_sq8":
        code = getattr(faiss.ScalarQuantizer, _SCALARS[kind])
        index = faiss.IndexIVFScalarQuantizer(centres, dim, lists, code, metric)
    else:
        index = faiss.IndexIVFPQFastScan(centres, dim, lists, _parts(dim), _BITS, metric)
        _seeded(index.pq.cp, seed)
    _seeded(index.cp, seed)
    index.train(_enough(vectors))
    index.add(vectors)
    return index


def hnsw(vectors: Vectors, links: int, build_effort: int) -> Any:
    """Vectors in a navigable graph; built by one thread, since threads would race for the links."""
    index = faiss.IndexHNSWFlat(vectors.shape[1], links, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = build_effort
    with using_threads(1):
        index.add(vectors)
    return index


def main_directions(vectors: Vectors, width: int) -> Vectors:
    """Float32 [width, D]: the directions in which the vectors are longest, longest first.

    They are eigenvectors of the second moment, about zero and not about the mean: inner products are
    measured from zero.
    """
    moment = vectors.T.astype(np.float64) @ vectors.astype(np.float64)
    return np.ascontiguousarray(np.linalg.eigh(moment)[1][:, ::-1][:, :width].T, dtype=np.float32)


def _parts(dim: int) -> int:
    return dim // 2 if dim % 2 == 0 else dim


def _seeded(clustering: Any, seed: int) -> None:
    clustering.seed = seed % 2**31
    clustering.min_points_per_centroid = 1


def _enough(vectors: Vectors) -> Vectors:
    """At least as many vectors as there are centres to learn."""
    return vectors if len(vectors) >= _CENTRES else np.resize(vectors, (_CENTRES, vectors.shape[1]))
