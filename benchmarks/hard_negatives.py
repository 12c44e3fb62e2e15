"""Do hard negatives improve NDCG@10 at equal steps?

Towers of ids alone, cosine, width 64, batches of 1024, 8 epochs for all, the epoch of the best validation
NDCG@10; random 8:1:1 within each user, whole catalogue, training and validation items filtered, one query a
user. What is compared differs in the objective alone: the same rows in the same order, the same initial
weights, by seed.

    python benchmarks/hard_negatives.py --movielens FOLDER --wines FILE   # an hour of one core
    python benchmarks/hard_negatives.py --small                          # seconds; writes nothing
"""

from _negatives.page import arguments, asked, heading, write
from _negatives.run import Setting, compare

import shortlist as sl
from shortlist import losses

RIVALS = ("softmax, in-batch", "BPR, uniform 256")
NAMES = ("ndcg@10", "recall@10", "tail recall@10", "coverage@10")


def objectives(band: tuple[int, int]) -> dict[str, object]:
    """Softmax in batches, and pairwise ranking by uniform negatives, without and with hard ones."""
    rise = sl.Linear(0.0, 0.1, share=0.4, after=0.2)
    few = sl.Uniform(256)

    def softmax(*hard: sl.Hardest | sl.Mined) -> sl.SampledSoftmax:
        negatives = sl.InBatch() + hard[0] if hard else sl.InBatch()
        return sl.SampledSoftmax(temperature=0.2, negatives=negatives)

    return {
        "softmax, in-batch": softmax(),
        "softmax, hardest 8 of 256, 100:1": softmax(sl.Hardest(8, few)),
        "softmax, hardest 8 of 256, 9:1": softmax(sl.Hardest(8, few, share=0.1)),
        "softmax, mined 8, 100:1": softmax(sl.Mined(8, band)),
        "softmax, mined 8, 9:1": softmax(sl.Mined(8, band, share=0.1)),
        "softmax, mined 8, curriculum to 9:1": softmax(sl.Mined(8, band, share=rise)),
        "BPR, uniform 256": sl.Contrast(losses.bpr, few, temperature=0.2),
        "BPR, uniform, hardest 8, 9:1": sl.Contrast(
            losses.bpr, few + sl.Hardest(8, few, share=0.1), temperature=0.2
        ),
        "BPR, uniform, hardest 8, 1:1": sl.Contrast(
            losses.bpr, few + sl.Hardest(8, few, share=0.5), temperature=0.2
        ),
        "BPR, uniform, mined 8, 1:1": sl.Contrast(
            losses.bpr, few + sl.Mined(8, band, share=0.5), temperature=0.2
        ),
    }


def main() -> None:
    """Run, print, keep."""
    options = arguments(__doc__ or "")
    setting = Setting(epochs=2, batch_size=128, dim=16) if options.small else Setting()
    lines = heading("Hard negatives")
    for name, log in asked(options).items():
        chosen = objectives((5, 30) if options.small else (20, 200))
        if options.only is not None:
            chosen = {key: value for key, value in chosen.items() if key in options.only}
        seeds = options.seeds[:1] if options.small else options.seeds
        rows = compare(log, chosen, seeds, setting, NAMES, options.part, RIVALS)
        lines += [f"## {name}", "", *rows, ""]
    write("hard_negatives", lines, small=options.small)


if __name__ == "__main__":
    main()
