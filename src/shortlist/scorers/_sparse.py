"""Sparse rows by name: SciPy takes a while to load, and most servers have no use for it."""

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    SparseRows: TypeAlias = csr_array
else:
    SparseRows: TypeAlias = Any

__all__ = ["SparseRows"]
