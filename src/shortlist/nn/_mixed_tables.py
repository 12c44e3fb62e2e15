"""Embedding tables of several widths behind one width."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from shortlist.errors import ArgumentError, near
from shortlist.nn._embedding import EmbeddingTables
from shortlist.rng import derive

__all__ = ["MixedTables", "width_by_size"]

_NARROWEST = 4


class MixedTables(nn.Module):
    """Embedding tables of several widths, all read at one width D.

    The tables of one width stand in one `EmbeddingTables`. A table t of another width has a projection:
    its vectors are ``E_t[code] P_t`` with ``E_t`` ``[V, w]`` and ``P_t`` ``[w, D]``, so that memory and the
    cost of an update grow with w, and whatever reads the vectors is none the wiser. Padding gives zeros.

    Args:
        rows: table name to number of rows V, padding included.
        dim: width D of the vectors that are read.
        widths: table name to width w of what is stored; tables that are not named are D wide.
        seed: of the initial values, each table's own; projections start normal with variance 1 / w, so that
            projected vectors are as long as others.
        sparse: whether gradients of the tables are recorded by row, as in `EmbeddingTables`.

    Raises:
        ArgumentError: a width for a table that does not exist, or below 1.

    Source: Ginart et al., "Mixed dimension embeddings with application to memory-efficient recommendation
    systems", ISIT 2021 (arXiv 1909.11810).

    >>> tables = MixedTables({"item": 5, "city": 3}, dim=8, widths={"city": 2})
    >>> tables.lookup("city", torch.tensor([2])).shape, tables.widths
    (torch.Size([1, 8]), {'item': 8, 'city': 2})
    """

    def __init__(
        self,
        rows: Mapping[str, int],
        dim: int,
        widths: Mapping[str, int],
        *,
        seed: int = 0,
        sparse: bool = True,
    ) -> None:
        super().__init__()
        _check_names(rows, widths)
        self.rows, self.dim = dict(rows), dim
        self.widths = {name: widths.get(name, dim) for name in rows}
        self.matrices = nn.ModuleList()
        self._matrix_of: dict[str, int] = {}
        for place, width in enumerate(sorted(set(self.widths.values()))):
            own = {name: size for name, size in rows.items() if self.widths[name] == width}
            self.matrices.append(EmbeddingTables(own, width, seed=seed, sparse=sparse))
            self._matrix_of |= dict.fromkeys(own, place)
        self._projection_of = {name: f"of_{place}" for place, name in enumerate(rows) if self._narrow(name)}
        self.projections = nn.ParameterDict(
            {
                key: _projection(self.widths[name], dim, seed, name)
                for name, key in self._projection_of.items()
            }
        )

    def lookup(self, name: str, codes: Tensor) -> Tensor:
        """``[*codes.shape, D]``, as `EmbeddingTables.lookup`."""
        return self._projected(name, self._of(name).lookup(name, codes))

    def lookup_many(self, names: Sequence[str], codes: Tensor) -> Tensor:
        """``[B, F, D]``, as `EmbeddingTables.lookup_many`, in one gather a width."""
        found: dict[int, Tensor] = {}
        places_of = [self._place(name) for name in names]
        for matrix in sorted(set(places_of)):
            places = [place for place, own in enumerate(places_of) if own == matrix]
            part = self.matrices[matrix]
            assert isinstance(part, EmbeddingTables)
            vectors = part.lookup_many([names[place] for place in places], codes[:, places])
            found |= {
                place: self._projected(names[place], vectors[:, own]) for own, place in enumerate(places)
            }
        return torch.stack([found[place] for place in range(len(names))], dim=1)

    def pool(self, name: str, values: Tensor, offsets: Tensor) -> Tensor:
        """``[B, D]``, as `EmbeddingTables.pool`."""
        return self._projected(name, self._of(name).pool(name, values, offsets))

    def pool_padded(self, name: str, codes: Tensor) -> Tensor:
        """``[B, D]``, as `EmbeddingTables.pool_padded`."""
        return self._projected(name, self._of(name).pool_padded(name, codes))

    def _of(self, name: str) -> EmbeddingTables:
        matrix = self.matrices[self._place(name)]
        assert isinstance(matrix, EmbeddingTables)
        return matrix

    def _projected(self, name: str, vectors: Tensor) -> Tensor:
        key = self._projection_of.get(name)
        return vectors if key is None else vectors @ self.projections[key]

    def _narrow(self, name: str) -> bool:
        return self.widths[name] != self.dim

    def _place(self, name: str) -> int:
        if name not in self._matrix_of:
            raise ArgumentError(
                "MixedTables", received=name, expected="a table", remedy=near(name, self.rows)
            )
        return self._matrix_of[name]


def width_by_size(rows: int, largest: int) -> int:
    """Width of a table by a rule: the least power of two that is at least ``1.6 rows^0.56``, from 4 up.

    Args:
        rows: number of rows V of the table.
        largest: the width that is never passed.

    >>> [width_by_size(rows, 64) for rows in (5, 100, 1_000_000)]
    [4, 32, 64]
    """
    wanted = 1.6 * rows**0.56
    width = _NARROWEST
    while width < wanted:
        width *= 2
    return min(width, largest)


def _projection(width: int, dim: int, seed: int, name: str) -> nn.Parameter:
    generator = torch.Generator().manual_seed(derive(seed, "projection", name))
    return nn.Parameter(torch.randn(width, dim, generator=generator) * width**-0.5)


def _check_names(rows: Mapping[str, int], widths: Mapping[str, int]) -> None:
    for name, width in widths.items():
        if name not in rows:
            raise ArgumentError(
                "MixedTables.widths", received=name, expected="a table", remedy=near(name, rows)
            )
        if width < 1:
            raise ArgumentError(f"MixedTables.widths[{name!r}]", received=width, expected="an integer >= 1")
