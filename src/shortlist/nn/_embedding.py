"""All embedding tables of one width in one matrix."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from shortlist.errors import ArgumentError, near
from shortlist.nn._rows import RowGradients, gather, pool, sum_rows
from shortlist.rng import derive

__all__ = ["EmbeddingTables", "dense_parameters", "sparse_tables"]


class EmbeddingTables(nn.Module):
    """Embedding tables of one width, held in one matrix ``weight`` of ``[sum V, D]``.

    Row 0 of every table is padding: it is zero and is never trained. One matrix means one gather for all
    the features of a batch and one update for all the tables.

    With ``sparse=True`` a backward pass records only the rows it touched, for ``RowWiseAdagrad`` or
    ``RowWiseAdam`` to consume, and ``weight.grad`` stays ``None``, so any other optimizer passes the
    tables by. With ``sparse=False`` the gradient is an ordinary dense one.

    Args:
        rows: table name to number of rows V, padding included.
        dim: width D of every table.
        seed: each table's initial values depend on the seed and its name, not on the other tables.
        init_std: standard deviation of the initial values, which are normal around 0.
        sparse: whether gradients are recorded by row (see above).

    Raises:
        ArgumentError: no tables, a table without rows, or ``dim`` below 1.

    >>> tables = EmbeddingTables({"user": 10, "item": 5}, dim=4, sparse=False)
    >>> tables.lookup("item", torch.tensor([[0, 4]])).shape, tables.weight.shape
    (torch.Size([1, 2, 4]), torch.Size([15, 4]))
    """

    def __init__(
        self, rows: Mapping[str, int], dim: int, *, seed: int = 0, init_std: float = 0.05, sparse: bool = True
    ) -> None:
        super().__init__()
        _check_sizes(rows, dim)
        self.rows = dict(rows)
        self.dim = dim
        self.sparse = sparse
        self.starts = dict(zip(rows, _starts(rows), strict=True))
        parts = [
            _initial(size, dim, init_std, derive(seed, "embedding", name)) for name, size in rows.items()
        ]
        self.weight = nn.Parameter(torch.cat(parts))
        self._record: RowGradients = []
        if not sparse:
            self.weight.register_post_accumulate_grad_hook(self._drop_padding_gradient)  # type: ignore[no-untyped-call]

    @property
    def widths(self) -> dict[str, int]:
        """Width of each table: one for all."""
        return dict.fromkeys(self.rows, self.dim)

    def lookup(self, name: str, codes: Tensor) -> Tensor:
        """Embeddings of the codes of one table.

        Args:
            name: the table.
            codes: integer codes of any shape; 0 is padding and gives zeros.

        Returns:
            ``[*codes.shape, D]``.

        Raises:
            ArgumentError: unknown table, or a code outside it.
        """
        start = self._start(name)
        self._check_codes((name,), codes)
        return self._gather(codes.long() + start)

    def lookup_many(self, names: Sequence[str], codes: Tensor) -> Tensor:
        """Embeddings of one code per table, in one gather.

        Args:
            names: F table names.
            codes: ``[B, F]`` integer codes; column f belongs to ``names[f]``.

        Returns:
            ``[B, F, D]``.

        Raises:
            ArgumentError: unknown table, another number of columns, or a code outside its table.
        """
        starts = torch.tensor([self._start(name) for name in names], device=codes.device)
        if codes.ndim != 2 or codes.shape[1] != len(names):
            raise ArgumentError(
                "EmbeddingTables.lookup_many.codes",
                received=f"shape {tuple(codes.shape)}",
                expected=f"[B, {len(names)}], one column for each of the tables {list(names)}",
            )
        self._check_codes(names, codes)
        return self._gather(codes.long() + starts)

    def pool(self, name: str, values: Tensor, offsets: Tensor) -> Tensor:
        """Mean embedding of each list; padding is not counted and an empty list gives zeros.

        Args:
            name: the table.
            values: ``[N]`` integer codes of all lists, one list after another.
            offsets: ``[B + 1]`` where each list starts, and the end of the last.

        Returns:
            ``[B, D]``.

        Raises:
            ArgumentError: unknown table, or a code outside it.

        >>> tables = EmbeddingTables({"item": 5}, dim=2)
        >>> tables.pool("item", torch.tensor([3, 0]), torch.tensor([0, 2, 2]))[1].tolist()
        [0.0, 0.0]
        """
        start = self._start(name)
        self._check_codes((name,), values)
        rows, offsets = values.long() + start, offsets.long()
        if self._recording():
            total = pool(self.weight, rows, offsets, self._record)
        else:
            total = functional.embedding_bag(rows, self.weight, offsets, mode="sum", include_last_offset=True)
        counted = torch.cat([offsets.new_zeros(1), (values != 0).cumsum(0)])
        return total / counted[offsets].diff().clamp(min=1).unsqueeze(1)

    def pool_padded(self, name: str, codes: Tensor) -> Tensor:
        """``pool`` of the same lists written as one rectangle, as an exported model reads them.

        Args:
            name: the table.
            codes: ``[B, L]`` integer codes, filled with 0.

        Returns:
            ``[B, D]``.

        Raises:
            ArgumentError: unknown table, or a code outside it.

        >>> tables = EmbeddingTables({"item": 5}, dim=2)
        >>> mean = tables.pool_padded("item", torch.tensor([[3, 4, 0]]))
        >>> torch.equal(mean, tables.pool("item", torch.tensor([3, 4]), torch.tensor([0, 2])))
        True
        """
        counted = (codes != 0).sum(1, keepdim=True).clamp(min=1)
        return self.lookup(name, codes).sum(1) / counted

    def subset(self, names: Sequence[str]) -> "EmbeddingTables":
        """A copy that holds only some of the tables: what one exported tower needs.

        Raises:
            ArgumentError: unknown table.
        """
        starts = [self._start(name) for name in names]
        part = EmbeddingTables({name: self.rows[name] for name in names}, self.dim, sparse=self.sparse)
        with torch.no_grad():
            for name, start in zip(names, starts, strict=True):
                here = part.starts[name]
                part.weight[here : here + self.rows[name]] = self.weight[start : start + self.rows[name]]
        return part

    def take_gradients(self) -> tuple[Tensor, Tensor]:
        """Hand over what backward passes recorded since the last call, summed by row, and forget it.

        Returns:
            The touched rows ``[R]`` of ``weight``, ascending and distinct, and their gradients ``[R, D]``.
        """
        record, self._record[:] = list(self._record), []
        if len(record) == 0:
            return self.weight.new_zeros(0, dtype=torch.int64), self.weight.new_zeros(0, self.dim)
        if len(record) == 1:
            return record[0]
        return sum_rows(torch.cat([rows for rows, _ in record]), torch.cat([grads for _, grads in record]))

    def zero_padding(self) -> None:
        """Set the padding row of every table to zero, in place."""
        with torch.no_grad():
            self.weight.index_fill_(0, self._paddings(), 0.0)

    def _recording(self) -> bool:
        return self.sparse and torch.is_grad_enabled() and not torch.compiler.is_compiling()

    def _gather(self, rows: Tensor) -> Tensor:
        return (
            gather(self.weight, rows, self._record)
            if self._recording()
            else functional.embedding(rows, self.weight)
        )

    def _start(self, name: str) -> int:
        if name not in self.starts:
            raise ArgumentError(
                "EmbeddingTables", received=name, expected="a table", remedy=near(name, self.starts)
            )
        return self.starts[name]

    def _check_codes(self, names: Sequence[str], codes: Tensor) -> None:
        # Outside its table a code would silently read another table's row. On an accelerator the check
        # would wait for the device, and an exported model must not branch on data.
        if codes.is_cuda or torch.compiler.is_compiling():
            return
        limits = torch.tensor([self.rows[name] for name in names])
        wrong = (codes < 0) | (codes >= limits)
        if bool(wrong.any()):
            where = names[int(wrong.nonzero()[0, -1])] if len(names) > 1 else names[0]
            raise ArgumentError(
                f"EmbeddingTables[{where!r}]",
                received=int(codes[wrong][0]),
                expected=f"codes from 0 to {self.rows[where] - 1}",
                remedy="build the tables from the schema of the workflow that made the codes",
            )

    def _paddings(self) -> Tensor:
        return torch.tensor(list(self.starts.values()), device=self.weight.device)

    def _drop_padding_gradient(self, weight: Tensor) -> None:
        if weight.grad is not None:
            weight.grad.index_fill_(0, self._paddings(), 0.0)


def sparse_tables(model: nn.Module) -> list[EmbeddingTables]:
    """The embedding tables of a model that need a row-wise optimizer.

    >>> sparse_tables(nn.Sequential(EmbeddingTables({"user": 3}, dim=2, sparse=False)))
    []
    """
    return [part for part in model.modules() if isinstance(part, EmbeddingTables) and part.sparse]


def dense_parameters(model: nn.Module) -> list[nn.Parameter]:
    """The parameters of a model that an ordinary optimizer updates: all but those of ``sparse_tables``.

    >>> model = nn.Sequential(EmbeddingTables({"user": 3}, dim=2), nn.Linear(2, 1))
    >>> [tuple(parameter.shape) for parameter in dense_parameters(model)]
    [(1, 2), (1,)]
    """
    by_row = {id(tables.weight) for tables in sparse_tables(model)}
    return [parameter for parameter in model.parameters() if id(parameter) not in by_row]


def _check_sizes(rows: Mapping[str, int], dim: int) -> None:
    if len(rows) == 0:
        raise ArgumentError("EmbeddingTables.rows", received=dict(rows), expected="at least one table")
    for name, size in rows.items():
        if size < 1:
            raise ArgumentError(f"EmbeddingTables.rows[{name!r}]", received=size, expected="at least 1 row")
    if dim < 1:
        raise ArgumentError("EmbeddingTables.dim", received=dim, expected="an integer >= 1")


def _starts(rows: Mapping[str, int]) -> list[int]:
    ends = torch.tensor(list(rows.values())).cumsum(0).tolist()
    return [end - size for end, size in zip(ends, rows.values(), strict=True)]


def _initial(size: int, dim: int, std: float, seed: int) -> Tensor:
    table = torch.randn(size, dim, generator=torch.Generator().manual_seed(seed)) * std
    table[0] = 0.0
    return table
