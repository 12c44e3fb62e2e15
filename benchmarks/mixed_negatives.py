"""Do mixed negatives with the right probabilities find more of the long tail than in-batch negatives alone?

Towers of ids alone, cosine, width 64, batches of 256, 1024 negatives added, 8 epochs for all, the epoch of
the best validation NDCG@10; random 8:1:1 within each user, whole catalogue, training and validation items
filtered, one query a user. The tail is every item outside the most popular that make half of the training
events; recall counts the tail items of the test alone. What is compared differs in the objective alone;
"popularity" adds as many negatives as "uniform" does, by the law of the batch.

    python benchmarks/mixed_negatives.py --games FILE --sets IFDB    # twenty minutes of one core
    python benchmarks/mixed_negatives.py --small                    # seconds; writes nothing
"""

from _negatives.page import arguments, asked, heading, write
from _negatives.run import Setting, compare

import shortlist as sl

NAMES = ("tail recall@50", "tail ndcg@10", "recall@50", "ndcg@10", "coverage@10")


class BatchShareOnly(sl.Uniform):
    """Uniform negatives that a sum of sources takes for in-batch ones: the wrong mixture."""

    def expected(self, population: object, codes: object, rows: object) -> object:  # noqa: ARG002
        """As if they had been drawn by popularity."""
        return population.share(codes) * self.n  # type: ignore[attr-defined]


def objectives(n: int) -> dict[str, object]:
    """In-batch alone, more by popularity, mixed with the right and the wrong q, others, no sampling."""

    def softmax(negatives: object) -> sl.SampledSoftmax:
        return sl.SampledSoftmax(temperature=0.2, negatives=negatives)  # type: ignore[arg-type]

    return {
        "in-batch": softmax(sl.InBatch()),
        f"in-batch + popularity {n}": softmax(sl.InBatch() + sl.Unigram(n, alpha=1.0)),
        f"in-batch + uniform {n}": softmax(sl.InBatch() + sl.Uniform(n)),
        f"in-batch + uniform {n}, q of the batch alone": softmax(sl.InBatch() + BatchShareOnly(n)),
        f"in-batch + popularity^0.5 {n}": softmax(sl.InBatch() + sl.Unigram(n, alpha=0.5)),
        "in-batch + queue of 4 batches": softmax(sl.InBatch() + sl.Queue(4)),
        f"uniform {n}": softmax(sl.Uniform(n)),
        "whole catalogue": sl.FullSoftmax(temperature=0.2),
    }


def rivals(n: int) -> tuple[str, str]:
    """In-batch negatives alone, and as many negatives as the mixed ones, all by popularity."""
    return "in-batch", f"in-batch + popularity {n}"


def main() -> None:
    """Run, print, keep."""
    options = arguments(__doc__ or "")
    setting = Setting(epochs=2, batch_size=128, dim=16) if options.small else Setting(batch_size=256)
    n = 64 if options.small else 1024
    lines = heading("Mixed negatives and the long tail")
    for name, log in asked(options).items():
        chosen = objectives(n)
        if options.only is not None:
            chosen = {key: value for key, value in chosen.items() if key in options.only}
        seeds = options.seeds[:1] if options.small else options.seeds
        rows = compare(log, chosen, seeds, setting, NAMES, options.part, rivals(n))
        lines += [f"## {name}", "", *rows, ""]
    write("mixed_negatives", lines, small=options.small)


if __name__ == "__main__":
    main()
