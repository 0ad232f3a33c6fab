"""The pass over the data: every engine's one expensive step, in Numba.

This floor knows arrays only. A component is its ``log_constants[k]`` (log weight plus the log of the normalising constant), its
mean and its precision factor ``L`` (lower triangular, ``P = L L'``; for diagonal covariances the vector ``sqrt(diag P)``).
Rows are taken in blocks that stay in cache; nothing of size (n, K) is allocated unless responsibilities are what was asked for.
All but ``log_constants`` and what is in threads may be called from other Numba functions.
"""

from bayesgmm.kernels.agglomeration import agglomerate
from bayesgmm.kernels.charts import charted, coordinates, shortest_step
from bayesgmm.kernels.compilation import SOURCES
from bayesgmm.kernels.densities import LOG_2PI, component_constants, log_constants, log_density, responsibilities
from bayesgmm.kernels.draws import (
    draws_agreement,
    draws_allocations,
    draws_filled,
    draws_log_density,
    draws_responsibilities,
    draws_shares,
)
from bayesgmm.kernels.incomplete import Pieces
from bayesgmm.kernels.lloyd import lloyd
from bayesgmm.kernels.roundness import are_round
from bayesgmm.kernels.similarity import similarity
from bayesgmm.kernels.statistics import (
    centred,
    expected_statistics,
    labelled_statistics,
    pointwise_statistics,
    sampled_statistics,
)
from bayesgmm.kernels.threads import (
    PIECE,
    alone,
    called,
    kept_threads,
    passes_abreast,
    summed_draws,
    threaded_draws,
    threaded_incomplete,
    threaded_samples,
    threaded_statistics,
)
from bayesgmm.kernels.tied import common_axes, log_volumes
from bayesgmm.kernels.triangles import precision_factors

__all__ = [
    "LOG_2PI",
    "PIECE",
    "SOURCES",
    "Pieces",
    "agglomerate",
    "alone",
    "are_round",
    "called",
    "centred",
    "charted",
    "common_axes",
    "component_constants",
    "coordinates",
    "draws_agreement",
    "draws_allocations",
    "draws_filled",
    "draws_log_density",
    "draws_responsibilities",
    "draws_shares",
    "expected_statistics",
    "kept_threads",
    "labelled_statistics",
    "lloyd",
    "log_constants",
    "log_density",
    "log_volumes",
    "passes_abreast",
    "pointwise_statistics",
    "precision_factors",
    "responsibilities",
    "sampled_statistics",
    "shortest_step",
    "similarity",
    "summed_draws",
    "threaded_draws",
    "threaded_incomplete",
    "threaded_samples",
    "threaded_statistics",
]
