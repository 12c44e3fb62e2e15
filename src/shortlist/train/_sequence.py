"""The training task of `NextItem`."""

from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from shortlist.data import Batch
from shortlist.errors import ArgumentError
from shortlist.loader import Loader
from shortlist.losses import sampled_softmax
from shortlist.rng import derive
from shortlist.samplers import Population, Sampler, Source
from shortlist.samplers._population import Codes
from shortlist.train._comparison import Comparison, softmax
from shortlist.train._options import FitOptions
from shortlist.train._retrieval_validation import RetrievalValidation
from shortlist.train._sequence_batches import rectangles
from shortlist.train._sequence_heads import Told, causal, detection, joined, masked
from shortlist.train._sequence_rows import sequence_rows
from shortlist.train._sources import Data
