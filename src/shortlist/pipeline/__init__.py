"""Pipelines: stages over a state, from requests to recommendations."""

from shortlist.pipeline._answer_log import AnswerLog
from shortlist.pipeline._build_index import build_index
from shortlist.pipeline._drop import Drop
from shortlist.pipeline._examples import ranking_examples
from shortlist.pipeline._folder import load, write_pipeline
from shortlist.pipeline._learned import Learned
from shortlist.pipeline._match import Match
from shortlist.pipeline._merge import Merge
from shortlist.pipeline._pipeline import Pipeline
from shortlist.pipeline._plain import load_stages, save_stages
from shortlist.pipeline._popular import Popular
from shortlist.pipeline._repeats import Repeats
from shortlist.pipeline._retrieve import Retrieve
from shortlist.pipeline._rule import Rule
from shortlist.pipeline._score import Score
from shortlist.pipeline._stage import Apply, PlainStage, Source, Stage
from shortlist.pipeline._state import State
from shortlist.pipeline._take import Take
from shortlist.pipeline._trace import StageTrace, Trace

__all__ = [
    "AnswerLog",
    "Apply",
    "Drop",
    "Learned",
    "Match",
    "Merge",
    "Pipeline",
    "PlainStage",
    "Popular",
    "Repeats",
    "Retrieve",
    "Rule",
    "Score",
    "Source",
    "Stage",
    "StageTrace",
    "State",
    "Take",
    "Trace",
    "build_index",
    "load",
    "load_stages",
    "ranking_examples",
    "save_stages",
    "write_pipeline",
]
