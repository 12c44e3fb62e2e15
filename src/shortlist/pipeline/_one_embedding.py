"""A model and an index that do not belong together are refused before any request."""

from shortlist.data import Encoder, Index
from shortlist.errors import PipelineError

__all__ = ["refuse_other_index"]


def refuse_other_index(where: str, model: Encoder, index: Index) -> None:
    """Refuse an index of another width than the model's, or whose vectors are known to be another model's.

    Raises:
        PipelineError: it is such.
    """
    remedy = "build the index with the vectors of the model that encodes the queries"
    width, made_by = getattr(model, "dim", index.dim), getattr(model, "fingerprint", "")
    if width != index.dim:
        raise PipelineError(
            where,
            received=f"an index of vectors of width {index.dim}",
            expected=f"width {width}, as the model gives",
            remedy=remedy,
        )
    known = getattr(getattr(index, "facts", None), "model", "")
    if known and made_by and known != made_by:
        raise PipelineError(
            where,
            received=f"an index of vectors of the model {known!r}",
            expected=f"vectors of the model {made_by!r}, which encodes the queries",
            remedy=remedy,
        )
