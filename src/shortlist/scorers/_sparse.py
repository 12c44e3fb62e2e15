"""Sparse rows by name: SciPy takes a while to load, and most servers have no use for it."""

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["SparseRows"]

SparseRows: TypeAlias = "csr_array"
