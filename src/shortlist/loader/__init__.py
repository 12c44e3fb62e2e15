"""From partitions of a data set to batches of tensors."""

from shortlist.loader._cut import bounds, cut
from shortlist.loader._loader import Loader
from shortlist.loader._scratch import Loading
from shortlist.loader._table import Table, take

__all__ = ["Loader", "Loading", "Table", "bounds", "cut", "take"]
