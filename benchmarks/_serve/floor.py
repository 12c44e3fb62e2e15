"""The same request by hand: ONNX Runtime, FAISS and NumPy, for this one pipeline and one user."""

import json
from pathlib import Path
from time import perf_counter

import faiss
import numpy as np
import onnxruntime

from _serve.world import CANDIDATES, HISTORY
from shortlist.data import Requests
from shortlist.pipeline import Diversify, Pipeline, Retrieve, Score

PACKS = "shortlist.packs"


class Session:
    """An ONNX graph with one thread, and its inputs by what they hold."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.packs = json.loads(self.session.get_modelmeta().custom_metadata_map[PACKS])
        self.names = [value.name for value in self.session.get_inputs()]
        self.outputs = [self.session.get_outputs()[0].name]

    def run(self, feed: dict[str, np.ndarray]) -> np.ndarray:
        return self.session.run(self.outputs, feed)[0]


class Floor:
    """User features and history, tower, ANN, drop seen, item features, ranker, MMR, ten ids.

    Everything that is known before the request is an array by row: encoded columns side by side as the graphs
    read them, histories one after another, vectors of the items for MMR.
    """

    def __init__(self, folder: Path, pipe: Pipeline) -> None:
        retrieve, _, score, diversify, _ = pipe.stages
        assert isinstance(retrieve, Retrieve)
        assert isinstance(score, Score)
        assert isinstance(diversify, Diversify)
        self.tower = Session(folder / "encoder/query_packed.onnx")
        self.ranker = Session(folder / "ranker/ranker_one_query.onnx")
        self.strength, self.pool = diversify.strength, diversify.pool
        self.index = faiss.read_index(str(folder / "index/index.faiss"), faiss.IO_FLAG_MMAP)
        self.index.nprobe = retrieve.index.facts.effort
        self.index.make_direct_map()
        state = pipe.state
        keys = retrieve.index.keys
        self.ids, position = keys.values, state.items.positions(keys.values)
        self.row_of = {user: row for row, user in enumerate(state.store.users.values.tolist())}
        everyone = Requests(state.store.users.values)
        asked = [name for name in self.tower.names if name not in self.tower.packs]
        encoded = state.query_batch(retrieve.flow, everyone)
        self.user = {name: _side_by_side(encoded, columns) for name, columns in self.tower.packs.items()}
        (self.history_name,) = asked
        history = encoded.ragged(self.history_name)
        self.history, self.bounds = history.values, history.offsets.tolist()
        seen = state.histories(everyone)
        row_of_item = np.full(len(state.items), -1)
        row_of_item[position] = np.arange(len(position))
        self.seen, self.seen_bounds = row_of_item[seen.values], seen.offsets.tolist()
        self.fresh = np.ones(len(keys), np.bool_)
        query = state.query_batch(score.flow, everyone)
        items = state.item_batch(score.flow, position)
        self.once, self.each = {}, {}
        for name, columns in self.ranker.packs.items():
            side = self.once if columns[0].startswith("user") else self.each
            side[name] = _side_by_side(query if side is self.once else items, columns)
        self.zeros = np.zeros(CANDIDATES, np.int64) if "query_of" in self.ranker.names else None

    def run(self, user: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids and scores."""
        row = self.row_of[user]
        near = self.unseen(row, self.near(self.encode(row)))
        return self.ordered(near, self.scored(row, near))

    def timed(self, user: int) -> dict[str, float]:
        """Milliseconds of each stage, under the names of the pipeline's."""
        times = [perf_counter()]
        row = self.row_of[user]
        near = self.near(self.encode(row))
        times.append(perf_counter())
        near = self.unseen(row, near)
        times.append(perf_counter())
        scores = self.scored(row, near)
        times.append(perf_counter())
        self.ordered(near, scores)
        times.append(perf_counter())
        names = ("retrieve", "drop", "score", "diversify")
        return dict(zip(names, 1e3 * np.diff(times), strict=True))

    def encode(self, row: int) -> np.ndarray:
        feed = {name: matrix[row : row + 1] for name, matrix in self.user.items()}
        low, high = self.bounds[row], self.bounds[row + 1]
        feed[self.history_name] = self.history[None, max(low, high - HISTORY) : high]
        return self.tower.run(feed)

    def near(self, query: np.ndarray) -> np.ndarray:
        return self.index.search(query, CANDIDATES)[1][0]

    def unseen(self, row: int, near: np.ndarray) -> np.ndarray:
        seen = self.seen[self.seen_bounds[row] : self.seen_bounds[row + 1]]
        self.fresh[seen] = False
        near = near[self.fresh[near]]
        self.fresh[seen] = True
        return near

    def scored(self, row: int, near: np.ndarray) -> np.ndarray:
        feed = {name: matrix[row : row + 1] for name, matrix in self.once.items()}
        for name, matrix in self.each.items():
            feed[name] = matrix[near]
        if self.zeros is not None:
            feed["query_of"] = self.zeros[: len(near)]
        return self.ranker.run(feed)

    def ordered(self, near: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        best = np.argsort(-scores, kind="stable")[: self.pool]
        chosen = best[self.mmr(near[best], scores[best])]
        return self.ids[near[chosen]], scores[chosen]

    def mmr(self, rows: np.ndarray, scores: np.ndarray) -> list[int]:
        vectors = self.index.reconstruct_batch(rows)
        vectors /= np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
        penalty = vectors @ vectors.T
        penalty *= self.strength
        low, high = scores[-1], scores[0]
        value = (scores - low) * np.float32((1 - self.strength) / max(high - low, 1e-12))
        nearest = np.full(len(rows), -np.inf, np.float32)
        gain, chosen = value, []
        for _ in range(min(10, len(rows))):
            best = int(gain.argmax())
            chosen.append(best)
            value[best] = -np.inf
            np.maximum(nearest, penalty[best], out=nearest)
            gain = value - nearest
        return chosen


def _side_by_side(batch: object, columns: list[str]) -> np.ndarray:
    """Columns as one matrix, codes int32, numbers float32."""
    found = [batch[name] for name in columns]
    return np.stack(found, axis=1).astype(np.int32 if found[0].dtype.kind == "i" else np.float32)
