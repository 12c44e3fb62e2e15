"""Text as numbers."""

from collections.abc import Iterable
from typing import Any, final

import numpy as np
import numpy.typing as npt

from shortlist.data import NULL, Array

__all__ = ["Words", "is_null", "plain_list"]


@final
class Words:
    """Codes of texts, in the order they were met; what is no text is taken as it is written.

    >>> words = Words(["red"])
    >>> words.meet(["blue", None, "red"]).tolist() == [1, NULL, 0], words.take(np.array([1, NULL])).tolist()
    (True, ['blue', None])
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.texts = list(texts)
        self._codes: dict[str | None, int] = {text: code for code, text in enumerate(self.texts)}
        self._array = np.zeros(0, dtype=object)

    def codes(self, values: Iterable[Any] | Array) -> npt.NDArray[np.int64]:
        """int64 [N]: the code of each value, NULL where it is null or was never met."""
        plain = plain_list(values)
        find = self._codes.get
        return np.fromiter((find(_text(value), NULL) for value in plain), np.int64, len(plain))

    def meet(self, values: Iterable[Any] | Array) -> npt.NDArray[np.int64]:
        """`codes`, giving new texts the next codes."""
        plain = plain_list(values)
        for value in plain:
            text = _text(value)
            if text is not None and text not in self._codes:
                self.texts.append(text)
                self._codes[text] = len(self.texts) - 1
        return self.codes(plain)

    def take(self, codes: npt.NDArray[np.int64]) -> Array:
        """Object [N]: the text of each code, None for NULL."""
        known = self._array
        if len(known) <= len(self.texts):
            texts = self.texts[:]  # more may be met meanwhile
            known = np.empty(len(texts) + 1, dtype=object)
            known[: len(texts)] = texts
            known[-1] = None
            self._array = known
        found: Array = known[np.where(codes == NULL, -1, codes)]
        return found


def is_null(value: Any) -> bool:
    """Whether a raw value is null: None or NaN."""
    return value is None or value != value  # noqa: PLR0124 - only NaN differs from itself


def plain_list(values: Any) -> list[Any]:
    """An array or anything else that can be gone through as a list of Python's own values."""
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def _text(value: Any) -> str | None:
    if is_null(value):
        return None
    return value if isinstance(value, str) else str(value)
