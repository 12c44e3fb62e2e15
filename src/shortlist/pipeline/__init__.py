"""Pipelines: stages over a state, from requests to recommendations."""

from shortlist.pipeline._answer_log import AnswerLog
from shortlist.pipeline._boost import Boost
from shortlist.pipeline._build_index import build_index
from shortlist.pipeline._cache import Cache
from shortlist.pipeline._calibrate import Calibrate, calibrate
from shortlist.pipeline._cap import Cap
from shortlist.pipeline._diversify import Diversify
from shortlist.pipeline._downsample import downsample, undo_downsampling
from shortlist.pipeline._drop import Drop
from shortlist.pipeline._examples import ranking_examples
from shortlist.pipeline._explore import Explore
from shortlist.pipeline._fallback import Fallback
from shortlist.pipeline._folder import load, write_pipeline
from shortlist.pipeline._forget import Forgotten, forget_user
from shortlist.pipeline._impressions import impression_examples
from shortlist.pipeline._join_log import join_log
from shortlist.pipeline._learned import Learned
from shortlist.pipeline._limit import Limit
from shortlist.pipeline._listed import Listed
from shortlist.pipeline._live_items import ItemEdit, LiveItems
from shortlist.pipeline._load_store import load_store
from shortlist.pipeline._lookup import Lookup
from shortlist.pipeline._match import Match
from shortlist.pipeline._merge import Merge
from shortlist.pipeline._outcome_log import OutcomeLog
from shortlist.pipeline._pin import Pin
from shortlist.pipeline._pipeline import Pipeline
from shortlist.pipeline._plain import load_stages, save_stages
from shortlist.pipeline._plan import planned
from shortlist.pipeline._popular import Popular
from shortlist.pipeline._products import with_products
from shortlist.pipeline._rebuild import Rebuilt, rebuild_items
from shortlist.pipeline._recommend_all import BatchOptions, recommend_all
from shortlist.pipeline._repeats import Repeats
from shortlist.pipeline._retrieve import Retrieve
from shortlist.pipeline._rule import Rule
from shortlist.pipeline._sample import Sample
from shortlist.pipeline._score import Score
from shortlist.pipeline._scored import ScoredCandidates, place_of_score, scored_candidates
from shortlist.pipeline._similar import similar_items, similar_to
from shortlist.pipeline._stage import (
    Apply,
    Group,
    PlainStage,
    Source,
    Stage,
    Told,
    changed,
    is_source,
    leaves,
)
from shortlist.pipeline._state import State
from shortlist.pipeline._step import Note, Step, Watch
from shortlist.pipeline._take import Take
from shortlist.pipeline._thompson import Thompson
from shortlist.pipeline._trace import StageTrace, Trace
from shortlist.pipeline._window import Window

__all__ = [
    "AnswerLog",
    "Apply",
    "BatchOptions",
    "Boost",
    "Cache",
    "Calibrate",
    "Cap",
    "Diversify",
    "Drop",
    "Explore",
    "Fallback",
    "Forgotten",
    "Group",
    "ItemEdit",
    "Learned",
    "Limit",
    "Listed",
    "LiveItems",
    "Lookup",
    "Match",
    "Merge",
    "Note",
    "OutcomeLog",
    "Pin",
    "Pipeline",
    "PlainStage",
    "Popular",
    "Rebuilt",
    "Repeats",
    "Retrieve",
    "Rule",
    "Sample",
    "Score",
    "ScoredCandidates",
    "Source",
    "Stage",
    "StageTrace",
    "State",
    "Step",
    "Take",
    "Thompson",
    "Told",
    "Trace",
    "Watch",
    "Window",
    "build_index",
    "calibrate",
    "changed",
    "downsample",
    "forget_user",
    "impression_examples",
    "is_source",
    "join_log",
    "leaves",
    "load",
    "load_stages",
    "load_store",
    "place_of_score",
    "planned",
    "ranking_examples",
    "rebuild_items",
    "recommend_all",
    "save_stages",
    "scored_candidates",
    "similar_items",
    "similar_to",
    "undo_downsampling",
    "with_products",
    "write_pipeline",
]
