"""What a child process of the benchmark measures: one question each, so that nothing is inherited."""

from statistics import median
from typing import Any

import torch

from _train.contestants import CONTESTANTS, held_out_loss
from _train.data import Log, largest_mib


def speed(log: Log, names: list[str], batch_size: int, rounds: int, steps: int) -> dict[str, Any]:
    """Each round times ``steps`` steps of every contestant in turn, on the same rows; the first warms up."""
    ready = {name: CONTESTANTS[name](log) for name in names}
    batches = torch.from_numpy(log.batches(batch_size, (rounds + 1) * steps + 1, seed=1))
    times: dict[str, list[tuple[float, ...]]] = {name: [] for name in ready}
    for number in range(rounds + 1):
        for name, contestant in ready.items():
            results = [contestant.step(batch) for batch in batches[number * steps : (number + 1) * steps]]
            times[name] += results if number > 0 else []
    touched = [log.touched(batch.numpy()) for batch in batches[:5]]
    return {
        "rows/s": {name: batch_size / median(sum(step) for step in part) for name, part in times.items()},
        "phases": {
            name: [1e3 * median(step[phase] for step in part) for phase in range(3)]
            for name, part in times.items()
        },
        "loss": {name: held_out_loss(log, batches[-1], contestant) for name, contestant in ready.items()},
        "touched": median(rows for rows, _ in touched),
        "items": median(items for _, items in touched),
    }


def peak(log: Log, name: str, batch_size: int) -> float:
    """Largest MiB of the process in three steps of one contestant."""
    contestant = CONTESTANTS[name](log)
    for batch in torch.from_numpy(log.batches(batch_size, 3, seed=1)):
        contestant.step(batch)
    return largest_mib()
