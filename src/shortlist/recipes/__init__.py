"""The standard recipe: from a log to a bundle, and what shows it at work."""

from shortlist.recipes._demo import demo
from shortlist.recipes._evaluate import evaluate_bundle
from shortlist.recipes._fit import Fitted, fit
from shortlist.recipes._options import FitRecipe

__all__ = ["FitRecipe", "Fitted", "demo", "evaluate_bundle", "fit"]
