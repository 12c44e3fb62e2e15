"""Grown trees behind one door: what LightGBM and XGBoost give, by their own text formats."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, final

import numpy as np
import numpy.typing as npt

from shortlist.errors import DataError, near
from shortlist.extras import need
from shortlist.scorers._tree_columns import Matrix

__all__ = ["Forest", "LightGBMForest", "XGBoostForest", "read_forest"]

Values = npt.NDArray[np.float64]

_USE = "trees as rankers"


class Forest(Protocol):
    """Trees that score rows of a matrix [N, F]."""

    @property
    def library(self) -> str:
        """``"lightgbm"`` or ``"xgboost"``."""

    @property
    def trees(self) -> int:
        """How many there are."""

    def margins(self, matrix: Matrix) -> Values:
        """Float64 [N]: sums of leaves, before any link."""

    def contributions(self, matrix: Matrix) -> Values:
        """Float64 [N, F + 1]: what each feature adds to the margin (SHAP), and the margin of nothing last."""

    def gains(self) -> Values:
        """Float64 [F]: total gain of the splits on each feature."""

    def text(self) -> bytes:
        """The whole in the library's own text format."""


@final
class LightGBMForest:
    """Trees of LightGBM.

    Args:
        text: what ``Booster.model_to_string`` gave.
        threads: of one call.

    Raises:
        MissingExtraError: LightGBM is not installed.
        DataError: the text is no model.
    """

    library = "lightgbm"

    def __init__(self, text: bytes, *, threads: int = 1) -> None:
        lightgbm: Any = need("lightgbm", use=_USE)
        self._text, self._threads = text, threads
        try:
            self._booster = lightgbm.Booster(model_str=text.decode())
        except (lightgbm.basic.LightGBMError, UnicodeDecodeError) as error:
            raise _unreadable("lightgbm", error) from error

    @property
    def trees(self) -> int:
        """See `Forest`."""
        return int(self._booster.num_trees())

    def margins(self, matrix: Matrix) -> Values:
        """See `Forest`."""
        if len(matrix) == 0:
            return np.zeros(0)
        found = self._booster.predict(matrix, raw_score=True, num_threads=self._threads)
        return np.asarray(found, dtype=np.float64)

    def contributions(self, matrix: Matrix) -> Values:
        """See `Forest`."""
        if len(matrix) == 0:
            return np.zeros((0, matrix.shape[1] + 1))
        found = self._booster.predict(matrix, pred_contrib=True, num_threads=self._threads)
        return np.asarray(found, dtype=np.float64)

    def gains(self) -> Values:
        """See `Forest`."""
        return np.asarray(self._booster.feature_importance("gain"), dtype=np.float64)

    def text(self) -> bytes:
        """See `Forest`."""
        return self._text


@final
class XGBoostForest:
    """Trees of XGBoost.

    Args:
        text: what ``Booster.save_raw("json")`` gave.
        threads: of one call.

    Raises:
        MissingExtraError: XGBoost is not installed.
        DataError: the text is no model.
    """

    library = "xgboost"

    def __init__(self, text: bytes, *, threads: int = 1) -> None:
        self._xgboost: Any = need("xgboost", use=_USE)
        self._text, self._threads = text, threads
        try:
            self._booster = self._xgboost.Booster({"nthread": threads})
            self._booster.load_model(bytearray(text))
        except self._xgboost.core.XGBoostError as error:
            raise _unreadable("xgboost", error) from error
        self._booster.set_param({"nthread": threads})
        self._types: Sequence[str] | None = self._booster.feature_types

    @property
    def trees(self) -> int:
        """See `Forest`."""
        return int(self._booster.num_boosted_rounds())

    def margins(self, matrix: Matrix) -> Values:
        """See `Forest`."""
        if len(matrix) == 0:
            return np.zeros(0)
        found = self._booster.inplace_predict(matrix, predict_type="margin")
        return np.asarray(found, dtype=np.float64)

    def contributions(self, matrix: Matrix) -> Values:
        """See `Forest`."""
        if len(matrix) == 0:
            return np.zeros((0, matrix.shape[1] + 1))
        rows = self._xgboost.DMatrix(
            matrix, feature_types=self._types, enable_categorical=True, nthread=self._threads
        )
        return np.asarray(self._booster.predict(rows, pred_contribs=True), dtype=np.float64)

    def gains(self) -> Values:
        """See `Forest`."""
        found = self._booster.get_score(importance_type="total_gain")
        gains = np.zeros(self._booster.num_features())
        for name, gain in found.items():
            gains[int(name.removeprefix("f"))] = gain
        return gains

    def text(self) -> bytes:
        """See `Forest`."""
        return self._text


def read_forest(library: str, text: bytes, *, threads: int = 1) -> Forest:
    """Trees from their library's text format.

    Raises:
        DataError: the library is unknown, or the text is no model of it.
        MissingExtraError: the library is not installed.
    """
    known: dict[str, Callable[..., Forest]] = {"lightgbm": LightGBMForest, "xgboost": XGBoostForest}
    if library not in known:
        raise DataError(
            "trees", received=library, expected="a library of this version", remedy=near(library, known)
        )
    return known[library](text, threads=threads)


def _unreadable(library: str, error: Exception) -> DataError:
    return DataError(
        "trees",
        received=str(error).strip().splitlines()[0],
        expected=f"a model of {library}",
        remedy="save the model again",
    )
