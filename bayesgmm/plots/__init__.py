"""Pictures: functions that draw on matplotlib axes, one kind of picture a file.

Axes go in and come out, pyplot is never touched, and nothing that belongs to the model is computed here: densities come from
Draws and Mixture. A component has one colour and one marker in every picture.
"""

from bayesgmm.plots.chains import ranks, trace
from bayesgmm.plots.clustering import co_clustering
from bayesgmm.plots.criteria import criterion, elpd_difference
from bayesgmm.plots.density import density
from bayesgmm.plots.matrix import scatter_matrix, separating_features
from bayesgmm.plots.models import models
from bayesgmm.plots.number import number_of_components
from bayesgmm.plots.pareto import pareto_k
from bayesgmm.plots.scatter import MOST_ROWS, contours, ellipses, points

__all__ = [
    "MOST_ROWS",
    "co_clustering",
    "contours",
    "criterion",
    "density",
    "ellipses",
    "elpd_difference",
    "models",
    "number_of_components",
    "pareto_k",
    "points",
    "ranks",
    "scatter_matrix",
    "separating_features",
    "trace",
]
