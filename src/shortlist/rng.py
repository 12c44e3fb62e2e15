"""Random numbers: every generator comes from an explicit seed; nothing global is touched."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

__all__ = ["derive", "generator", "request_seed", "request_seeds", "uniforms"]

_STEP, _MIX = np.uint64(0x9E3779B97F4A7C15), (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def derive(seed: int, *names: object) -> int:
    """A 63-bit seed for a named purpose, independent of every other purpose of the same seed.

    The rule is BLAKE2b over ``seed`` and the names, so it is the same on every machine and in every process.

    >>> derive(0, "loader") == derive(0, "loader"), derive(0, "loader") == derive(0, "sampler")
    (True, False)
    """
    text = "\x1f".join(str(part) for part in (seed, *names))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def generator(seed: int, *names: object) -> np.random.Generator:
    """A NumPy generator for a named purpose of a seed.

    >>> float(generator(0, "x").random()) == float(generator(0, "x").random())
    True
    """
    return np.random.default_rng(derive(seed, *names))


def request_seed(seed: int, request_id: str, user: object) -> int:
    """The seed of one request: the same whichever requests share its batch, and in whichever order.

    >>> request_seed(0, "r1", "u1") != request_seed(0, "r2", "u1")
    True
    """
    return derive(seed, "request", request_id, user)


def request_seeds(seed: int, ids: Sequence[str], users: Sequence[object]) -> npt.NDArray[np.uint64]:
    """uint64 [Q]: `request_seed` of each request; those without ids are told apart by their users alone."""
    names = ids if len(ids) else [""] * len(users)
    found = (request_seed(seed, name, user) for name, user in zip(names, users, strict=True))
    return np.fromiter(found, np.uint64, len(users))


def uniforms(seeds: npt.NDArray[np.uint64], numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Float64 [N] in (0, 1): for each seed its draw of that number, whichever others are drawn beside it.

    The rule is SplitMix64 (Steele et al., 2014) at the state ``seed + (number + 1) * 0x9E3779B97F4A7C15``.

    >>> seeds = request_seeds(0, ["r1", "r1"], ["u1", "u2"])
    >>> both, alone = uniforms(seeds, np.array([7, 7])), uniforms(seeds[:1], np.array([7]))
    >>> bool(both[0] == alone[0]), bool(both[0] == both[1])
    (True, False)
    """
    bits = seeds + (numbers.astype(np.uint64) + np.uint64(1)) * _STEP
    bits = (bits ^ (bits >> np.uint64(30))) * _MIX[0]
    bits = (bits ^ (bits >> np.uint64(27))) * _MIX[1]
    bits ^= bits >> np.uint64(31)
    drawn: npt.NDArray[np.float64] = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
    return drawn
