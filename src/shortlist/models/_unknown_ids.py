"""What stands for ids that training never met."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from shortlist.models._arrays import Columns
from shortlist.nn import EmbeddingTables
from shortlist.schema import FIRST_UNKNOWN

__all__ = ["unknown_at_zero", "without_some_ids"]


@torch.no_grad()
def unknown_at_zero(model: nn.Module) -> None:
    """Start the unknown code of every table at zero, the middle of what all others start from.

    Where training meets few unknown values or none, the code stays where it started; at random it would say
    something of newcomers that nothing supports.

    >>> tables = EmbeddingTables({"user": 4}, dim=1)
    >>> unknown_at_zero(tables)
    >>> (tables.weight != 0).ravel().tolist()
    [False, True, False, True]
    """
    for part in model.modules():
        if isinstance(part, EmbeddingTables):
            rows = [
                start + FIRST_UNKNOWN
                for name, start in part.starts.items()
                if part.rows[name] > FIRST_UNKNOWN
            ]
            part.weight[rows] = 0.0


def without_some_ids(columns: Columns, ids: Iterable[str], share: float) -> Columns:
    """The columns with a share of the codes of some, each by itself, replaced by the unknown one; 1 is all.

    >>> without_some_ids({"user": torch.tensor([7, 8])}, ["user"], 1.0)["user"].tolist()
    [2, 2]
    """
    changed = dict(columns)
    for name in ids:
        codes = changed[name]
        assert isinstance(codes, Tensor)
        unknown = torch.full_like(codes, FIRST_UNKNOWN)
        if share < 1.0:
            kept = torch.rand(codes.shape, device=codes.device) >= share
            unknown = torch.where(kept, codes, unknown)
        changed[name] = unknown
    return changed
