"""Arrays as plain data, exactly, for the state of a sampler."""

from base64 import b64decode, b64encode
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["pack", "unpack"]


def pack(values: npt.NDArray[Any]) -> dict[str, Any]:
    """Text that holds an array's bytes, with its type and shape.

    >>> unpack(pack(np.array([[0.1, 3.0]]))).tolist()
    [[0.1, 3.0]]
    """
    little = values.astype(values.dtype.newbyteorder("<"))
    return {
        "dtype": little.dtype.str,
        "shape": list(values.shape),
        "bytes": b64encode(little.tobytes()).decode(),
    }


def unpack(packed: dict[str, Any]) -> npt.NDArray[Any]:
    """The array that `pack` was given."""
    values = np.frombuffer(b64decode(packed["bytes"]), np.dtype(packed["dtype"]))
    native: npt.NDArray[Any] = values.reshape(packed["shape"]).astype(values.dtype.newbyteorder("="))
    return native
