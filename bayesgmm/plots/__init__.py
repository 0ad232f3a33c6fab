"""Pictures: functions that draw on matplotlib axes, one kind of picture a file.

Axes go in and come out, pyplot is never touched, and nothing that belongs to the model is computed here: densities come from
Draws and Mixture, tables from who judges. A component has one colour and one marker in every picture, and EM is always dashed.
Figures with ``layout="constrained"`` make room for names and legends by themselves.
"""

from bayesgmm.plots.calibration import calibration
from bayesgmm.plots.chains import ranks, trace
from bayesgmm.plots.clustering import co_clustering
from bayesgmm.plots.comparison import em_beside_posterior
from bayesgmm.plots.criteria import criterion, elpd_difference
from bayesgmm.plots.density import band, density
from bayesgmm.plots.matrix import scatter_matrix, separating_features
from bayesgmm.plots.memberships import ambiguous, responsibilities
from bayesgmm.plots.models import models
from bayesgmm.plots.number import number_of_components
from bayesgmm.plots.pareto import pareto_k
from bayesgmm.plots.prior import power_scaling, prior_beside_posterior
from bayesgmm.plots.relabelling import relabelling
from bayesgmm.plots.scatter import MOST_ROWS, contours, ellipses, points
from bayesgmm.plots.style import legend_above

__all__ = [
    "MOST_ROWS",
    "ambiguous",
    "band",
    "calibration",
    "co_clustering",
    "contours",
    "criterion",
    "density",
    "ellipses",
    "elpd_difference",
    "em_beside_posterior",
    "legend_above",
    "models",
    "number_of_components",
    "pareto_k",
    "points",
    "power_scaling",
    "prior_beside_posterior",
    "ranks",
    "relabelling",
    "responsibilities",
    "scatter_matrix",
    "separating_features",
    "trace",
]
