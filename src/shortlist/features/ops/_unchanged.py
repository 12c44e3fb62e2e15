"""The form of an op that leaves the values of its columns as they are."""

from shortlist.features._op import Arrays, Exprs, Op, Step
from shortlist.features._scalars import Scalar
from shortlist.features._state import State

__all__ = ["Unchanged"]


class Unchanged(Op):
    """Values pass along both paths; a subclass looks at them, leaves out rows, or changes the schema."""

    def scalars(self, step: Step, state: State) -> tuple[Scalar, ...]:  # noqa: ARG002
        """No arithmetic at all, so that columns may pass together with others."""
        return ()

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:  # noqa: ARG002
        """The same expressions."""
        return columns

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:  # noqa: ARG002
        """The same arrays."""
        return columns
