"""Pipeline and floor in turn, in one process on one core."""

from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, thread_time

import numpy as np

from _serve.floor import Floor
from shortlist.data import Requests
from shortlist.pipeline import Pipeline, load

K = 10


@dataclass
class Times:
    """Milliseconds of each request, by the clock and of the processor."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def timed(self, work: object, *asked: object) -> object:
        wall, cpu = perf_counter(), thread_time()
        found = work(*asked)
        self.cpu.append(1e3 * (thread_time() - cpu))
        self.wall.append(1e3 * (perf_counter() - wall))
        return found


@dataclass
class InProcess:
    """What was measured.

    Attributes:
        ours: of the pipeline over a live state, as the server asks it.
        floor: of the same by hand.
        stages: name -> medians of the pipeline's stage and of the floor's, milliseconds.
        same: share of requests with the same ten items in the same order.
        recall: of the 200 candidates against exact search, over some of the requests.
    """

    ours: Times
    floor: Times
    stages: dict[str, tuple[float, float]]
    same: float
    recall: float

    @property
    def pairs(self) -> tuple[tuple[list[float], list[float]], ...]:
        """Of the pipeline and of the floor, by the clock and of the processor."""
        return (self.ours.wall, self.floor.wall), (self.ours.cpu, self.floor.cpu)


def in_process(folder: Path, rounds: int) -> InProcess:
    """Requests of random users."""
    pipe = load(folder)
    floor = Floor(folder, pipe)
    live = pipe.with_state(pipe.state.live())
    users = np.random.default_rng(0).choice(pipe.state.store.users.values, rounds).tolist()
    for user in users:  # what is kept by row is there after the first time
        live.run(Requests([user], K))
        floor.run(user)
    ours, hand, same = Times(), Times(), 0
    for user in users:
        found = ours.timed(live.run, Requests([user], K))
        ids, _ = hand.timed(floor.run, user)
        same += pipe.state.items.take(found.items).tolist() == ids.tolist()
    stages: dict[str, list[tuple[float, float]]] = {}
    for user in users:
        trace = live.run(Requests([user], K), trace=True)[1]
        by_hand = floor.timed(user)
        for stage in trace.stages:
            stages.setdefault(stage.name, []).append((stage.milliseconds, by_hand.get(stage.name, 0.0)))
    medians = {name: tuple(np.median(pairs, axis=0)) for name, pairs in stages.items()}
    return InProcess(ours, hand, medians, same / rounds, recall(pipe, users[:64]))


def recall(pipe: Pipeline, users: list[int]) -> float:
    """Share of the 200 best items by inner product that the index finds."""
    retrieve = pipe.stages[0]
    index, k = retrieve.index, retrieve.k
    vectors = index.vectors(np.arange(len(index)))
    queries = pipe.state.encode_query(retrieve.model, retrieve.flow, Requests(users))
    found = index.search(queries, k)[1]
    best = np.sort(queries @ vectors.T, axis=1)[:, -k : -k + 1]
    return float((found >= best - 1e-6).mean())
