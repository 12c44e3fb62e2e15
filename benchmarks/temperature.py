"""Which temperature, and does it matter whether it is fixed, learned or scheduled?

Towers of ids alone, cosine, width 64, batches of 1024, in-batch negatives, stopped by validation NDCG@10
with patience 3; random 8:1:1 within each user, whole catalogue, training and validation items filtered, one
query a user.

    python benchmarks/temperature.py --movielens FOLDER --wines FILE   # half an hour of one core
    python benchmarks/temperature.py --small                          # seconds; writes nothing
"""

from _negatives.page import arguments, asked, heading, write
from _negatives.run import Setting, compare

import shortlist as sl

NAMES = ("ndcg@10", "recall@10", "tail recall@10", "coverage@10")


def objectives() -> dict[str, object]:
    """Fixed values, a falling one, a learned one."""
    fixed = {str(value): sl.SampledSoftmax(temperature=value) for value in (0.05, 0.1, 0.15, 0.2, 0.3)}
    return {
        **fixed,
        "0.3 to 0.1": sl.SampledSoftmax(temperature=sl.Linear(0.3, 0.1, share=0.5)),
        "learned from 0.1": sl.SampledSoftmax(temperature=sl.Learnable(0.1)),
        "learned from 0.2": sl.SampledSoftmax(temperature=sl.Learnable(0.2)),
    }


def main() -> None:
    """Run, print, keep."""
    options = arguments(__doc__ or "")
    setting = Setting(epochs=2, batch_size=128, dim=16) if options.small else Setting(epochs=16, patience=3)
    lines = heading("Temperature")
    for name, log in asked(options).items():
        chosen = objectives()
        if options.only is not None:
            chosen = {key: value for key, value in chosen.items() if key in options.only}
        seeds = options.seeds[:1] if options.small else options.seeds
        rows = compare(log, chosen, seeds, setting, NAMES, options.part)
        lines += [f"## {name}", "", *rows, ""]
    write("temperature", lines, small=options.small)


if __name__ == "__main__":
    main()
