"""One build under way: structures made, measured and tuned."""

from copy import copy
from dataclasses import replace
from math import sqrt
from typing import final

import numpy as np
import numpy.typing as npt

from shortlist.index._codes import flat, hnsw, in_lists, main_directions, product, scalar
from shortlist.index._comparisons import comparisons
from shortlist.index._facts import LISTED, Facts, Kind
from shortlist.index._options import IndexOptions
from shortlist.index._recall import Truth, least_effort, sample_queries
from shortlist.index._structure import Structure

__all__ = ["Maker"]

Vectors = npt.NDArray[np.float32]

# Auto looks beyond IVF only where IVF must probe more than this share of its lists.
_IVF_SHARE = 0.2
_WIDEST = 64
_ALWAYS_REFINED = ("pq", "ivf_pq", "pca")
_CODED = ("fp16", "sq8", "ivf_sq8", *_ALWAYS_REFINED)


@final
class Maker:
    """Makes structures of some vectors.

    Args:
        vectors: float32 [N, D].
        facts: those of an exact index over them.
        options: how to build and measure.
        queries: to measure with; None for drawn ones.
        seed: of k-means and of drawn queries.
    """

    def __init__(
        self, vectors: Vectors, facts: Facts, options: IndexOptions, queries: Vectors | None, seed: int
    ) -> None:
        self.vectors, self.facts, self.options, self.seed = vectors, facts, options, seed
        self.flat = flat(vectors)
        self.given = queries
        self._truth: Truth | None = None

    def auto(self) -> tuple[Structure, Facts]:
        """The kind that reaches the target with the fewest comparisons."""
        if len(self.vectors) < self.options.exact_below:
            return self.make("exact")
        found = [self.make("ivf")]
        facts = found[0][1]
        if facts.recall < facts.recall_target or facts.effort > _IVF_SHARE * facts.lists:
            found += [self.make("pq"), self.make("exact")]
        good = [one for one in found if one[1].recall >= one[1].recall_target]
        return min(good, key=lambda one: comparisons(one[1], one[1].recall_at))

    def make(self, kind: Kind) -> tuple[Structure, Facts]:
        """One kind, tuned."""
        if kind == "exact" or len(self.vectors) == 0:
            return Structure(self.flat), self.facts
        return self.tuned(*self.bare(kind))

    def told(self, **changes: int) -> "Maker":
        """One that is told otherwise, with the same vectors and queries."""
        other = copy(self)
        other.options = replace(self.options, **changes)
        return other

    def truth(self) -> Truth:
        """What exact search answers to the queries that recall is measured on."""
        if self._truth is None:
            queries = sample_queries(self.vectors, self.given, self.options.sample, self.seed)
            self._truth = Truth.of(self.flat, queries, min(self.options.recall_at, len(self.vectors)))
        return self._truth

    def bare(self, kind: Kind) -> tuple[Structure, Facts]:
        """The structure of a kind, not tuned yet."""
        if kind == "exact":
            return Structure(flat(self.vectors)), self.facts
        facts, options = replace(self.facts, kind=kind), self.options
        if kind in LISTED:
            lists = min(options.lists or max(1, round(4 * sqrt(facts.count))), facts.count)
            return Structure(in_lists(self.vectors, kind, lists, self.seed)), replace(facts, lists=lists)
        if kind == "hnsw":
            return Structure(hnsw(self.vectors, options.links, options.build_effort)), facts
        if kind == "pca":
            width = min(options.reduced or max(1, facts.dim // 2), facts.dim)
            directions = main_directions(self.vectors, width)
            codes = flat(np.ascontiguousarray(self.vectors @ directions.T, dtype=np.float32))
            return Structure(codes, directions=directions), replace(facts, reduced=width)
        if kind == "pq":
            return Structure(product(self.vectors, self.seed)), facts
        return Structure(scalar(self.vectors, kind)), facts

    def tuned(self, structure: Structure, facts: Facts) -> tuple[Structure, Facts]:
        """With the least effort, and the least refinement, that reach the target."""
        if facts.kind == "exact":
            return structure, facts
        most = facts.lists if facts.kind in LISTED else facts.count if facts.kind == "hnsw" else 0
        if facts.kind in _CODED:
            facts = replace(facts, refine=self._refine(structure, facts, most))
            structure = replace(structure, raw=self.flat if facts.refine > 0 else None)

        def recall(effort: int) -> float:
            return self.truth().recall(structure, replace(facts, effort=effort))

        effort = 0
        if most > 0:
            effort = min(self.options.effort or least_effort(recall, facts.recall_target, most), most)
        return structure, replace(facts, effort=effort, recall=recall(effort))

    def _refine(self, structure: Structure, facts: Facts, most: int) -> int:
        """Candidates to score again for each one wanted.

        The least power of two that loses at most half of what the target lets the search lose, when all lists
        are probed: the other half is left to the lists. Where there are none, it may lose all of it.
        """
        least = 1 if facts.kind in _ALWAYS_REFINED else 0
        if self.options.refine is not None:
            return max(self.options.refine, least)
        wanted = (1 + facts.recall_target) / 2 if most > 0 else facts.recall_target
        for refine in (0, 2, 4, 8, 16, 32, _WIDEST):
            tried = replace(structure, raw=self.flat if refine > 0 else None)
            probing = replace(facts, effort=most, refine=refine)
            if refine >= least and self.truth().recall(tried, probing) >= wanted:
                return refine
        return _WIDEST
