"""The bootstrap of an EM fit: how its parameters vary from sample to sample, or under random weights of the rows."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from bayesgmm.climb import Settings, Status
from bayesgmm.draws import Draws
from bayesgmm.em import ConvergenceWarning, EMResult, best_of
from bayesgmm.information import StandardErrors
from bayesgmm.interruption import PartialWarning
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.rowwise import LEAST_WEIGHT
from bayesgmm.streams import Seed, Use, child, seed_sequence
from bayesgmm.uncertainty.replicates import replicates
from bayesgmm.validation import instance_of, known_name, positive_integer, probability

type Array = NDArray[np.float64]

MOST_REPLICATES = 1_000_000
MATCHED_ROWS = 20_000  # by which components are matched, at most
FEW = 0.01  # share of collapsed replicates that is not worth a warning


class Parameters(NamedTuple):
    """One number for each parameter: weights (K,), means (K, d), covariances (K, d, d); perhaps with an axis of replicates."""

    weights: Array
    means: Array
    covariances: Array


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Fits of bootstrap replicates, their components matched to those of the fit.

    Attributes
    ----------
    em : EMResult
        The fit.
    kind : str
    replicates : Parameters
        Weights (R, K), means (R, K, d) and covariances (R, K, d, d) of the replicates that did not collapse, in the data's units.
    collapsed : tuple of str
        Why each of the others was left out.
    n_replicates : int
        As many as were asked for; there are fewer where Ctrl-C came first.
    """

    em: EMResult
    kind: str
    replicates: Parameters
    collapsed: tuple[str, ...]
    n_replicates: int

    @property
    def n_finished(self) -> int:
        """Replicates that were fitted, those that collapsed among them."""
        return len(self.replicates.weights) + len(self.collapsed)

    @property
    def partial(self) -> bool:
        """Whether Ctrl-C came before every replicate was fitted."""
        return self.n_finished < self.n_replicates

    @property
    def standard_errors(self) -> StandardErrors:
        """Standard deviations of the replicates."""
        variances = np.diagonal(self.replicates.covariances, axis1=2, axis2=3)
        scales = np.sqrt(variances)
        correlations = self.replicates.covariances / (scales[..., :, None] * scales[..., None, :])
        return StandardErrors(*(each.std(axis=0, ddof=1) for each in (*self.replicates, scales, correlations)))

    @property
    def bias(self) -> Parameters:
        """Mean of the replicates minus the fit."""
        m = self.em.mixture
        fit = (m.weights, m.means, m.covariances)
        return Parameters(*(each.mean(axis=0) - point for each, point in zip(self.replicates, fit, strict=True)))

    def interval(self, prob: float = 0.9) -> tuple[Parameters, Parameters]:
        """Lower and upper ends of equal-tailed percentile intervals."""
        tails = (1 - probability(prob)) / 2
        lower, upper = ([np.quantile(each, q, axis=0) for each in self.replicates] for q in (tails, 1 - tails))
        return Parameters(*lower), Parameters(*upper)

    def summary(self, prob: float = 0.9) -> pd.DataFrame:
        """One row a parameter: the fit's estimate, bias, standard error, and lower and upper end of the interval."""
        m, se = self.em.mixture, self.standard_errors
        columns = {
            "estimate": Parameters(m.weights, m.means, m.covariances),
            "bias": self.bias,
            "se": Parameters(se.weights, se.means, se.covariances),
        }
        columns |= dict(zip(("lower", "upper"), self.interval(prob), strict=True))
        series = {name: self._row(parameters) for name, parameters in columns.items()}
        return pd.DataFrame(series).rename_axis("parameter")

    def _row(self, parameters: Parameters) -> pd.Series:
        weights, means, covariances = (each[None, None] for each in parameters)
        single = Draws(weights, means, covariances, self.em.specification.structure)
        quantities = single.quantities(self.em.observations.names)
        return pd.Series({name: float(value[0, 0]) for name, value in quantities.items()})

    @property
    def shortfall(self) -> str:
        """What an interrupted bootstrap lacks, in a sentence; empty for a whole one."""
        if not self.partial:
            return ""
        return f"Partial: {self.n_finished} of {self.n_replicates} replicates were fitted when Ctrl-C came."

    @property
    def doubt(self) -> str:
        """What collapsed replicates mean, in a sentence; empty where there are none."""
        if not self.collapsed:
            return ""
        return (
            f"{len(self.collapsed)} of {self.n_finished} replicates collapsed and are left out, such as: {self.collapsed[0]} "
            "What is left may vary too little: use fewer components, a prior, or kind='weighted_likelihood', which drops no row."
        )

    def __str__(self) -> str:
        lines = [
            f"{self.kind.capitalize().replace('_', '-')} bootstrap of a {self.em.specification.covariance} mixture, "
            f"K = {self.em.specification.n_components}: {len(self.replicates.weights)} replicates.",
            self.shortfall,
            self.doubt,
            self.summary().to_string(float_format="{:.4g}".format),
        ]
        return "\n".join(line for line in lines if line)

    __repr__ = __str__


def bootstrap(
    em: EMResult,
    n_replicates: int = 999,
    kind: str = "nonparametric",
    seed: Seed = 0,
    progress: bool = True,
) -> Bootstrap:
    """Standard errors and intervals of an EM fit from fits to other samples.

    Each replicate is fitted from the fit as its only start, by the same likelihood and the same prior, without regularization.
    Its components are matched to the fit's by responsibilities before anything is averaged. The same seed gives the same
    replicates, whatever the number of threads.

    Parameters
    ----------
    em : EMResult
    n_replicates : int
        A few hundred tell standard errors; ends of 95% intervals need about a thousand.
    kind : {"nonparametric", "weighted_likelihood", "parametric"}
        ``"nonparametric"``: rows with replacement, which trusts no model. ``"weighted_likelihood"``: each row gets a Dirichlet
        weight, which leaves none out, so that small components hold; with a prior, draws near its posterior. ``"parametric"``:
        data from the fit, which trusts it. Row weights are taken as frequencies.
    seed : int, SeedSequence or Generator
    progress : bool

    Returns
    -------
    Bootstrap

    Warns
    -----
    ConvergenceWarning
        If more than one replicate in a hundred collapsed: they are left out.
    PartialWarning
        If Ctrl-C came before every replicate was fitted: the finished ones are returned.

    Raises
    ------
    ValueError
        If the fit or every replicate has collapsed, or a name is unknown.

    References
    ----------
    Newton & Raftery (1994), Approximate Bayesian inference with the weighted likelihood bootstrap,
    doi:10.1111/j.2517-6161.1994.tb01956.x. O'Hagan, Murphy, Scrucca & Gormley (2019), Investigation of parameter uncertainty in
    clustering using a Gaussian mixture model via jackknife, bootstrap and weighted likelihood bootstrap,
    doi:10.1007/s00180-019-00897-9.

    Examples
    --------
    >>> from bayesgmm import fit_em, load_dataset
    >>> em = fit_em(load_dataset("faithful"), n_components=2)
    >>> table = bootstrap(em, 200, progress=False).summary()
    >>> bool(abs(table.loc["weights[0]", "se"] - 0.029) < 0.005)
    True
    """
    instance_of(em, EMResult, "em")
    make, root = KINDS[known_name(kind, "kind of bootstrap", KINDS)], seed_sequence(seed)
    n_replicates = positive_integer(n_replicates, "n_replicates", MOST_REPLICATES)
    if n_replicates < 2:
        raise ValueError("n_replicates must be at least 2: one replicate does not vary.")
    if em.status is Status.COLLAPSED:
        raise ValueError(f"A collapsed fit has nothing to be sure of: {em.detail}")
    if kind == "parametric" and (em.observations.has_missing or em.observations.is_labelled):
        raise ValueError(
            "Rows drawn from the fit have no missing cells and no known labels, as these data have: use kind='nonparametric'."
        )
    few = _few_rows(em.observations)
    shares = few.weights[:, None] * em.mixture.responsibilities(few)

    def fit(number: int) -> Mixture | str:
        return _refitted(em, make(em, child(root, Use.BOOTSTRAP, number)), few, shares)

    m = em.mixture
    abreast = em.observations.abreast(n_replicates, m.n_components, m.structure.is_diagonal)
    found, _ = replicates(fit, n_replicates, abreast, progress, "Bootstrap")
    mixtures = [each for each in found if isinstance(each, Mixture)]
    collapsed = tuple(each for each in found if isinstance(each, str))
    if len(mixtures) < 2 and len(found) < n_replicates:  # Ctrl-C came before there was anything to show
        raise KeyboardInterrupt
    if len(mixtures) < 2:
        raise ValueError(f"{len(collapsed)} of {len(found)} replicates collapsed, such as: {collapsed[0]} Use fewer components.")
    parameters = ([getattr(each, name) for each in mixtures] for name in Parameters._fields)
    result = Bootstrap(em, kind, Parameters(*map(np.array, parameters)), collapsed, n_replicates)
    if result.partial:
        warnings.warn(result.shortfall, PartialWarning, stacklevel=2)
    if len(collapsed) > FEW * len(found):
        warnings.warn(result.doubt, ConvergenceWarning, stacklevel=2)
    return result


def _refitted(em: EMResult, replicate: Observations | str, few: Observations, shares: Array) -> Mixture | str:
    """The fit of a replicate with components in the fit's places, or why there is none."""
    if isinstance(replicate, str):
        return replicate
    refit = best_of(replicate, em.specification, [("fit", em.mixture)], Settings())
    if refit.status is Status.COLLAPSED:
        return refit.detail
    if em.observations.is_labelled or em.specification.frozen is not None:  # whose components are where they were
        return refit.mixture
    order = linear_sum_assignment(shares.T @ refit.mixture.responsibilities(few), maximize=True)[1]
    return refit.mixture.permuted(order)


def _few_rows(observations: Observations) -> Observations:
    """Rows by which components are matched: all, or as many as are enough."""
    n = observations.n_observations
    rows = np.linspace(0, n - 1, min(n, MATCHED_ROWS)).round().astype(np.int64)
    return observations.rows(rows)


def _nonparametric(em: EMResult, seed: np.random.SeedSequence) -> Observations | str:
    """Rows with replacement, as weights: no row is copied."""
    v, total = em.observations.weights, em.observations.total_weight
    n = max(2, round(total))
    return _reweighted(em, np.asarray(np.random.default_rng(seed).multinomial(n, v / v.sum()) * (total / n)))


def _weighted_likelihood(em: EMResult, seed: np.random.SeedSequence) -> Observations | str:
    """Dirichlet weights of the rows: a row that counts v times has the weights of v rows together."""
    weights = np.random.default_rng(seed).standard_gamma(em.observations.weights)
    weights[weights < 2 * LEAST_WEIGHT * weights.max()] = 0.0
    return _reweighted(em, weights * (em.observations.total_weight / weights.sum()))


def _parametric(em: EMResult, seed: np.random.SeedSequence) -> Observations | str:
    """As many rows from the fit."""
    values, _ = em.mixture.sample(max(2, round(em.observations.total_weight)), seed)
    return Observations.from_data(values, names=em.observations.names)


def _reweighted(em: EMResult, weights: Array) -> Observations | str:
    try:
        observations = Observations.from_data(em.observations, weights)
        em.specification.check(observations)
    except ValueError as error:  # of rows that are left too few, or do not vary
        return str(error)
    return observations


KINDS: dict[str, Callable[[EMResult, np.random.SeedSequence], Observations | str]] = {
    "nonparametric": _nonparametric,
    "weighted_likelihood": _weighted_likelihood,
    "parametric": _parametric,
}
