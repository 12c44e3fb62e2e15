"""The one definition of what an integer code means.

::

    0                      padding (never the code of a value)
    1                      null
    2 .. 2 + buckets - 1   unknown: not in the vocabulary (hashed when buckets > 1)
    2 + buckets ..         the vocabulary, by count descending, ties by value ascending
"""

__all__ = ["FIRST_UNKNOWN", "NULL", "PADDING", "cardinality", "first_value"]

PADDING = 0
NULL = 1
FIRST_UNKNOWN = 2


def first_value(buckets: int = 1) -> int:
    """The code of the first value of a vocabulary.

    >>> first_value(), first_value(buckets=10)
    (3, 12)
    """
    return FIRST_UNKNOWN + buckets


def cardinality(values: int, buckets: int = 1) -> int:
    """How many codes there are in all: an embedding table needs that many rows.

    >>> cardinality(26)
    29
    """
    return first_value(buckets) + values
