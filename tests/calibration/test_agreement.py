"""Gibbs and NUTS draw from one posterior: their means differ by no more than Monte Carlo error.

A whole run makes fewer than 2500 comparisons, each at 5.1 standard errors: 1e-3 for a false alarm in all. Component
parameters are compared where both engines' labels may be trusted, label-free quantities everywhere.
"""

from dataclasses import dataclass

import arviz as az
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.stats import norm

import bayesgmm as bg
from bayesgmm.covariance import STRUCTURES
from tests.calibration.results import PROPERTY, row
from tests.laws import PRIORS, problem

MOST_COMPARISONS = 2500
MOST_ERRORS = norm.isf(1e-3 / 2 / MOST_COMPARISONS)
LEAST_ESS = 400
SEMI_CONJUGATE = [name for name in PRIORS if "lkj" not in name]


@dataclass(frozen=True)
class Problem:
    """Data and a model of them; prior None is the default."""

    name: str
    n_components: int
    structure: str
    prior: str | None = None

    def __str__(self):
        return "-".join(str(part) for part in (self.name, self.n_components, self.structure, self.prior or "default"))

    def data(self):
        if self.name == "simulated":
            return problem(self.structure, n=120, n_components=2, n_features=2, separation=4.0, seed=6)[0]
        if self.name == "simulated in 5 dimensions":
            return problem("VVV", n=400, n_components=4, n_features=5, separation=4.0, seed=6)[0]
        data = bg.load_dataset(self.name)
        return data.drop(columns="species") if self.name == "iris" else data


DATA = [
    Problem("faithful", 2, "VVV"),
    Problem("iris", 3, "EEE"),
    Problem("acidity", 2, "VVV"),
    Problem("simulated in 5 dimensions", 4, "VVV"),
]
GRID = [Problem("simulated", 2, code, name) for name in SEMI_CONJUGATE for code in STRUCTURES]


def label_free(post):
    """Chains (chain, draw, quantity): log-likelihood, sorted weights, log density at five rows, mean of log |precision|."""
    rows = np.linspace(0, len(post.observations.values) - 1, 5).astype(int)
    log_determinants = -np.linalg.slogdet(post.draws.covariances)[1]
    parts = (
        post.total_log_likelihood[..., None],
        np.sort(post.draws.weights, axis=2),
        post.draws.log_density(post.observations.values[rows]),
        log_determinants.mean(axis=2, keepdims=True),
    )
    return np.concatenate(parts, axis=2)


def parameters(draws, order):
    """Chains (chain, draw, parameter) with components in an order; what never varies is left out."""
    upper = np.triu_indices(draws.means.shape[-1])
    covariances = draws.covariances[..., *upper]
    chains = [part[:, :, order].reshape(*draws.shape, -1) for part in (draws.weights, draws.means, covariances)]
    together = np.concatenate(chains, axis=2)
    return together[..., np.ptp(together, axis=(0, 1)) > 0]


def matched(one, other):
    """Order of the other's components in which their mean positions lie nearest to one's."""
    a, b = (draws.means.mean(axis=(0, 1)) for draws in (one, other))
    scale = one.means.std(axis=(0, 1)).mean(axis=0)
    return linear_sum_assignment((((a[:, None] - b) / scale) ** 2).sum(axis=2))[1]


def compared(one, other):
    """Differences of posterior means in Monte Carlo standard errors, and the fewest effective draws behind them."""
    errors = np.hypot(az.mcse(one), az.mcse(other))
    return np.abs(one.mean(axis=(0, 1)) - other.mean(axis=(0, 1))) / errors, min(az.ess(one).min(), az.ess(other).min())


def check(which, record_property):
    X = which.data()
    prior = None if which.prior is None else PRIORS[which.prior](X, which.structure)
    gibbs, nuts = (
        bg.fit_bayes(X, which.n_components, which.structure, prior, engine, draws=2000, cores=1, seed=seed, progress=False)
        for engine, seed in (("gibbs", 21), ("nuts", 22))
    )
    chains = {"label-free quantities": (label_free(gibbs), label_free(nuts))}
    if bg.diagnose(gibbs).components_trusted and bg.diagnose(nuts).components_trusted:
        one, other = (bg.relabel(post).draws for post in (gibbs, nuts))
        everything = np.arange(which.n_components)
        chains["parameters"] = (parameters(one, everything), parameters(other, matched(one, other)))
    worst = {}
    for quantity, pair in chains.items():
        errors, ess = compared(*pair)
        worst[quantity] = errors.max()
        record_property(
            PROPERTY,
            row(
                check=f"agreement on {which.name}",
                engine="gibbs, nuts",
                prior=which.prior or "default",
                structure=which.structure,
                n_components=which.n_components,
                n_features=gibbs.observations.n_features,
                n_observations=gibbs.observations.n_observations,
                weights_concentration=1.0,
                quantity=quantity,
                count=errors.size,
                worst=float(errors.max()),
                least_ess=round(float(ess)),
                divergences=nuts.n_divergences,
                verdict="too few draws" if ess < LEAST_ESS else "agree" if errors.max() < MOST_ERRORS else "differ",
            ),
        )
        assert ess >= LEAST_ESS, "with so few effective draws anything agrees"
    assert max(worst.values()) < MOST_ERRORS, worst
    return chains


@pytest.mark.calibration
@pytest.mark.parametrize("which", DATA, ids=str)
def test_engines_agree_on_data(which, record_property):
    """The labels of all but the loosest of these may be trusted, and their parameters are compared."""
    assert "parameters" in check(which, record_property)


@pytest.mark.calibration
@pytest.mark.parametrize("which", GRID, ids=str)
def test_engines_agree_under_every_prior_and_structure(which, record_property):
    assert "parameters" in check(which, record_property)


def test_a_disagreement_is_found():
    """Two posteriors under weights priors that differ by five rows in 272 are told apart."""
    faithful = bg.load_dataset("faithful")
    one, other = (
        bg.fit_bayes(
            faithful,
            2,
            prior=bg.Prior.weakly_informative(faithful, weights_concentration=concentration),
            engine="gibbs",
            seed=seed,
            progress=False,
        )
        for seed, concentration in ((1, 1.0), (2, 6.0))
    )
    assert compared(label_free(one), label_free(other))[0].max() > MOST_ERRORS
