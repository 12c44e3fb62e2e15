"""What a ranker says of each target, and what is served of it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from shortlist.errors import SchemaError
from shortlist.schema import Column, Schema, Tags

__all__ = ["Kind", "Output", "check_inputs", "outputs_of"]

Kind: TypeAlias = Literal["binary", "regression", "multiclass", "watch_time"]


@dataclass(frozen=True)
class Output:
    """One target of a ranker.

    Attributes:
        name: of the target column.
        kind: ``"binary"``: a logit, served as a probability. ``"regression"``: a number. ``"multiclass"``:
            logits of the classes, served as the mean of the class numbers, which says something of classes
            in order, such as stars. ``"watch_time"``: a log of odds x, served as ``exp(x)``, an amount.
        width: numbers that the model gives for it: classes of a multiclass target, 1 of others.
    """

    name: str
    kind: Kind
    width: int = 1

    def served(self, logits: Tensor) -> Tensor:
        """What is served: ``[N]`` or ``[N, width]`` to ``[N]``.

        >>> Output("stars", "multiclass", 3).served(torch.zeros(1, 3)).tolist()  # (0 + 1 + 2) / 3
        [1.0]
        """
        if self.kind == "binary":
            return logits.sigmoid()
        if self.kind == "watch_time":
            return logits.exp()
        if self.kind == "regression":
            return logits
        classes = torch.arange(self.width, dtype=logits.dtype, device=logits.device)
        return (logits.softmax(1) * classes).sum(1)


def outputs_of(schema: Schema) -> tuple[Output, ...]:
    """The targets of a schema by their tags: "multiclass", "regression" or "watch_time", else binary.

    Raises:
        SchemaError: classes without a number of them.
    """
    return tuple(_output(column) for column in schema.tagged(Tags.TARGET))


def _output(column: Column) -> Output:
    if column.has(Tags.MULTICLASS):
        size = None if column.domain is None else column.domain.size
        if size is None:
            raise SchemaError(
                f"column {column.name!r}",
                received="a multiclass target without a number of classes",
                expected="class numbers from 0 with the size of their domain",
                remedy="give it a domain: Column(..., domain=Domain('stars', 6))",
            )
        return Output(column.name, "multiclass", size)
    if column.has("watch_time"):
        return Output(column.name, "watch_time")
    return Output(column.name, "regression" if column.has(Tags.REGRESSION) else "binary")


def check_inputs(where: str, names: tuple[str, ...], inputs: Schema) -> None:
    """Refuse a schema without targets or inputs.

    Raises:
        SchemaError: it is such a schema.
    """
    if len(names) == 0 or len(inputs) == 0:
        raise SchemaError(
            where,
            received=f"targets {list(names)}, inputs {list(inputs.names)}",
            expected="at least one column tagged target and one input",
            remedy="tag the label: schema.tag('label', 'target', 'binary')",
        )
