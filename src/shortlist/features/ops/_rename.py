"""Other names for columns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from shortlist.errors import ArgumentError
from shortlist.features._op import Arrays, Exprs, Made, Op, Step
from shortlist.features._scalars import Scalar
from shortlist.features._state import State
from shortlist.features.ops._checks import known_columns
from shortlist.schema import Column

__all__ = ["Rename"]


@dataclass(frozen=True)
class Rename(Op):
    """``prefix + name + suffix``, one new name, or new names by column; the values stay.

    Attributes:
        prefix: put before each name.
        suffix: put after each name.
        name: the new name; for branches of one column, since no name can be given twice.
        mapping: old name -> new name, and columns it leaves out keep theirs; or a function from old to new
            names, which must be importable where the workflow is to be saved.

    Raises:
        ArgumentError: no new name is given, or more than one way to make it.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> import polars as pl
    >>> rows = Dataset.of(pl.DataFrame({"x": [1]}))
    >>> Workflow(["x" >> Rename(suffix="_raw")]).fit(rows).schema.names
    ('x_raw',)
    """

    prefix: str = ""
    suffix: str = ""
    name: str | None = None
    mapping: Mapping[str, str] | Callable[[str], str] | None = None

    def __post_init__(self) -> None:
        ways = [self.prefix + self.suffix != "", self.name is not None, self.mapping is not None]
        if sum(ways) != 1:
            raise ArgumentError(
                "Rename",
                received=f"{sum(ways)} ways to rename",
                expected="prefix and suffix, or name, or mapping",
            )

    def check(self, groups: Sequence[tuple[Column, ...]]) -> None:
        """Refuse new names for columns that the branch does not have."""
        known_columns("Rename.mapping", self.mapping, [c.name for group in groups for c in group])

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """The same columns under other names."""
        return Made(tuple(column.renamed(self._new(column.name)) for column in inputs))

    def scalars(self, step: Step, state: State) -> tuple[Scalar, ...]:  # noqa: ARG002
        """No arithmetic at all."""
        return ()

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:  # noqa: ARG002
        """The same expressions."""
        return {self._new(column.name): columns[column.name] for column in step.inputs}

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:  # noqa: ARG002
        """The same arrays."""
        return {self._new(name): value for name, value in columns.items()}

    def _new(self, name: str) -> str:
        if callable(self.mapping):
            return self.mapping(name)
        if self.mapping is not None:
            return self.mapping.get(name, name)
        return self.name or f"{self.prefix}{name}{self.suffix}"
