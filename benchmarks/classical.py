"""How fast do iALS and item-kNN learn from ten million interactions, against implicit in the same run?

A synthetic log: users' activity log-normal, items' popularity Zipf-like, 200k users, 100k items. iALS of
width 64 in the form of Hu, Koren and Volinsky by three steps of conjugate gradient; item-kNN of 100
neighbours by cosine.

    python -m venv implicit-env && implicit-env/bin/pip install implicit
    python benchmarks/classical.py --implicit implicit-env/bin/python  # minutes; writes benchmarks/results/
    python benchmarks/classical.py --small                             # seconds; writes nothing

Each contestant learns in a fresh process from the same file. The objective is that of the item factors,
with the factors of some users solved exactly: equal objectives mean equal progress. Without ``--implicit``
the peer is Shortlist's own NumPy and SciPy, which it uses where numba is not installed.
"""

import argparse
import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, load_npz, save_npz

ALPHA, L2, DIM, STEPS, K = 10.0, 0.5, 64, 3, 100
SAMPLE = 5_000


def make_log(users: int, items: int, events: int, seed: int) -> csr_matrix:
    """Ones [users, items]; pairs drawn twice count once."""
    rng = np.random.default_rng(seed)
    activity = rng.lognormal(0, 1, users)
    counts = np.maximum(1, np.round(activity / activity.sum() * events)).astype(np.int64)
    popularity = np.cumsum(1 / (np.arange(items) + 10.0) ** 0.9)
    drawn = np.searchsorted(popularity, rng.random(counts.sum()) * popularity[-1])
    pairs = np.unique(np.repeat(np.arange(users), counts) * items + rng.permutation(items)[drawn])
    ones = np.ones(len(pairs), dtype=np.float32)
    return csr_matrix((ones, np.divmod(pairs, items)), shape=(users, items))


def timed(work: Any) -> tuple[np.ndarray, Any]:
    """Seconds that passed and seconds of all cores, and what came of it."""
    started = np.array([perf_counter(), process_time()])
    done = work()
    return np.array([perf_counter(), process_time()]) - started, done


def shortlist(X: csr_matrix, options: argparse.Namespace) -> dict[str, Any]:
    """Shortlist's figures; ``--contestant plain`` leaves numba aside."""
    from scipy.sparse import csr_array

    from shortlist.models.classical import IALS, ConjugateGradient, ItemKNN, _compiled

    if options.contestant == "plain":
        _compiled._STEPS = float("inf")  # type: ignore[assignment]
    rows, threads = csr_array(X), options.threads

    def ials(epochs: int) -> IALS:
        form = {"alpha0": 1.0, "nu": 0.0, "alpha": ALPHA, "l2": L2}
        return IALS(dim=DIM, epochs=epochs, solver=ConjugateGradient(STEPS), **form)

    first, _ = timed(lambda: ials(1).fit(rows, threads=threads))
    fit, model = timed(lambda: ials(options.epochs).fit(rows, threads=threads))
    knn_first, _ = timed(lambda: ItemKNN(k=K).fit(rows, threads=threads))
    knn, neighbours = timed(lambda: ItemKNN(k=K).fit(rows, threads=threads))
    np.save(options.data.with_suffix(f".{options.contestant}.npy"), model.item_factors)
    similarity = float(neighbours.similarity.sum())
    compiling = max(float(first[0] - fit[0] / options.epochs + knn_first[0] - knn[0]), 0)
    figures = {"fit": list(fit / options.epochs), "knn": list(knn)}
    return {**figures, "first use": compiling, "similarity": similarity}


def implicit(X: csr_matrix, options: argparse.Namespace) -> dict[str, Any]:
    """The peer's figures. It counts an item as its own neighbour: one more is asked for."""
    from implicit.cpu.als import AlternatingLeastSquares
    from implicit.nearest_neighbours import CosineRecommender

    confidence = X.copy()
    confidence.data[:] = 1 + ALPHA
    shared = {"num_threads": options.threads}

    def als(epochs: int) -> Any:
        model = AlternatingLeastSquares(
            factors=DIM, regularization=L2, alpha=1.0, iterations=epochs, random_state=0, **shared
        )
        model.cg_steps = STEPS
        model.fit(confidence, show_progress=False)
        return model

    als(1)
    fit, model = timed(lambda: als(options.epochs))
    nearest = CosineRecommender(K=K + 1, **shared)
    knn, _ = timed(lambda: nearest.fit(X, show_progress=False))
    np.save(options.data.with_suffix(f".{options.contestant}.npy"), model.item_factors)
    similarity = float(nearest.similarity.sum() - nearest.similarity.diagonal().sum())
    figures = {"fit": list(fit / options.epochs), "knn": list(knn)}
    return {**figures, "first use": 0.0, "similarity": similarity}


def objective(X: csr_matrix, factors: np.ndarray) -> float:
    """Hu's objective of some users, their factors solved exactly, in float64."""
    from scipy.sparse import csr_array

    from shortlist.scorers import Penalty, half_step

    rows, H = csr_array(X[:SAMPLE], dtype=np.float64), factors.astype(np.float64)
    gram = H.T @ H
    W = half_step(rows, H, gram, Penalty(1.0, L2, 0.0, ALPHA))
    scores = np.einsum("nd,nd->n", np.repeat(W, np.diff(rows.indptr), axis=0), H[rows.indices])
    seen = ((1 + ALPHA) * (1 - scores) ** 2 - scores**2).sum()
    return float(seen + np.einsum("ud,de,ue->", W, gram, W) + L2 * (W**2).sum()) / SAMPLE


def contestant(python: str, options: argparse.Namespace, name: str) -> dict[str, Any]:
    command = [python, __file__, "--contestant", name, "--data", str(options.data)]
    command += ["--threads", str(options.threads), "--epochs", str(options.epochs)]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": str(options.threads)}
    if name == "implicit":
        environment.pop("PYTHONPATH", None)
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return dict(json.loads(run.stdout.splitlines()[-1]))


def machine() -> str:
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*:\s*(.*)", text)
    return model.group(1) if model else platform.processor() or platform.machine()


def report(X: csr_matrix, options: argparse.Namespace, results: dict[str, dict[str, Any]]) -> str:
    peer = list(results)[-1]
    told = {"implicit": "--implicit implicit-env/bin/python"}.get(peer, "")
    size = f"--divide {options.divide} " if options.divide > 1 else ""
    multiplications = (np.diff(X.indptr).astype(float) ** 2).sum()
    lines = [
        "# Learning of iALS and item-kNN",
        "",
        f"- command: `python benchmarks/classical.py {told} {size}--threads {options.threads}`",
        f"- machine: {machine()}, {options.threads} threads",
        f"- date: {date.today().isoformat()}",
        f"- data: {X.nnz:,} interactions of {X.shape[0]:,} users and {X.shape[1]:,} items",
        f"- multiplications in X'X: {multiplications / 1e9:.2f} billion",
        f"- iALS: width {DIM}, {STEPS} steps of conjugate gradient, alpha {ALPHA:g}, l2 {L2:g}",
        f"- epochs: {options.epochs}; item-kNN: cosine, {K} neighbours",
        "",
        "| | iALS, s/epoch | core s | ratio | loss | kNN, s | core s | ratio | similar | compile, s | MB |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    slow = results[peer]
    for name, one in results.items():
        cells = [name]
        for what, quality in (("fit", f"{one['objective']:.4f}"), ("knn", f"{one['similarity']:,.0f}")):
            ratios = [f"{theirs / own:.2f}" for theirs, own in zip(slow[what], one[what], strict=True)]
            cells += [*(f"{seconds:.2f}" for seconds in one[what]), " / ".join(ratios), quality]
        cells += [f"{one['first use']:.1f}", f"{one['peak MB']:,.0f}"]
        lines.append(f"| {' | '.join(cells)} |")
    notes = [
        "Core s: seconds of all cores together, which neighbours on the machine disturb less. Ratio: the",
        "peer's time over the row's, by the clock / by core seconds. Loss: the objective for each user.",
        "Similar: the sum of kept similarities. Compile: once a process, not in the other columns.",
    ]
    return "\n".join([*lines, "", *notes, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="seconds; writes nothing")
    parser.add_argument("--implicit", help="a Python that has implicit")
    parser.add_argument("--divide", type=int, default=1, help="users, items and events of the log by this")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--contestant", choices=("shortlist", "plain", "implicit"), help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contestant:
        play = implicit if options.contestant == "implicit" else shortlist
        result = play(csr_matrix(load_npz(options.data)), options)
        result["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(result))
        return
    sizes = (20_000, 10_000, 400_000) if options.small else (200_000, 100_000, 10_350_000)
    X = make_log(*(size // options.divide for size in sizes), seed=0)
    peer, python = ("implicit", options.implicit) if options.implicit else ("plain", sys.executable)
    with tempfile.TemporaryDirectory() as folder:
        options.data = Path(folder) / "log.npz"
        save_npz(options.data, X, compressed=False)
        results = {
            name: contestant(at, options, name)
            for name, at in (("shortlist", sys.executable), (peer, python))
        }
        for name, result in results.items():
            result["objective"] = objective(X, np.load(options.data.with_suffix(f".{name}.npy")))
    text = report(X, options, results)
    print(text)
    if not options.small:
        name = re.sub(r"[^a-z0-9]+", "-", f"{machine()} {options.threads} threads".lower()).strip("-")
        path = Path(__file__).parent / "results" / f"classical_{name}_{date.today().isoformat()}.md"
        path.write_text(text)


if __name__ == "__main__":
    main()
