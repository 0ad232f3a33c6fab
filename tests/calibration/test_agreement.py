"""Gibbs and NUTS draw from one posterior: their means differ by no more than Monte Carlo error.

A whole run makes fewer than 2500 comparisons, each at 5.1 standard errors: 1e-3 for a false alarm in all. Component
parameters are compared where labels may be trusted, label-free quantities everywhere; with fewer than 400 effective draws
anything would agree, and that fails too.
"""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.stats import norm

import bayesgmm as bg
from tests.calibration.results import PROPERTY, row
from tests.laws import BAYESIAN, PRIORS, problem
from tests.monte_carlo import differences, fewest_draws, label_free

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
    in_one_mode: bool = False  # where several lie so far apart that no chain goes from one to another

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
    Problem("iris", 3, "EEE", in_one_mode=True),
    Problem("acidity", 2, "VVV"),
    Problem("simulated in 5 dimensions", 4, "VVV"),
]
GRID = [Problem("simulated", 2, code, name) for name in SEMI_CONJUGATE for code in BAYESIAN]


def drawn(which, engine, seed):
    """Posteriors of four chains in all: of one fit, or for a problem in one mode of four that begin at its optimum."""
    X = which.data()
    prior = bg.Prior.weakly_informative(X, which.structure) if which.prior is None else PRIORS[which.prior](X, which.structure)
    model = X, which.n_components, which.structure, prior
    settings = {"draws": 2000, "cores": 1, "progress": False}
    if not which.in_one_mode:
        return [bg.fit_bayes(*model, engine, seed=seed, **settings)]
    mode = bg.fit_em(*model)
    return [bg.fit_bayes(*model, engine, warm_start=mode, chains=1, seed=10 * seed + chain, **settings) for chain in range(4)]


def relabelled(posts):
    """Chains of the parameters of several posteriors, with components in the places that they have in the first one."""
    first, *others = (bg.relabel(post).draws for post in posts)
    return [parameters(first, np.arange(first.n_components)), *(parameters(draws, matched(first, draws)) for draws in others)]


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


def check(which, record_property):
    gibbs, nuts = (drawn(which, engine, seed) for engine, seed in (("gibbs", 21), ("nuts", 22)))
    chains = {"label-free quantities": [np.concatenate([label_free(post) for post in posts]) for posts in (gibbs, nuts)]}
    if not any(bg.diagnose(post).trust.doubts for post in gibbs + nuts):
        aligned = relabelled(gibbs + nuts)
        chains["parameters"] = [np.concatenate(aligned[: len(gibbs)]), np.concatenate(aligned[len(gibbs) :])]
    worst = {}
    for quantity, pair in chains.items():
        errors, ess = differences(*pair), fewest_draws(*pair)
        worst[quantity] = errors.max() if ess >= LEAST_ESS else np.inf
        record_property(
            PROPERTY,
            row(
                check=f"agreement on {which.name}{', in one mode' if which.in_one_mode else ''}",
                engine="gibbs, nuts",
                prior=which.prior or "default",
                structure=which.structure,
                n_components=which.n_components,
                n_features=gibbs[0].observations.n_features,
                n_observations=gibbs[0].observations.n_observations,
                weights_concentration=1.0,
                quantity=quantity,
                count=errors.size,
                worst=float(errors.max()),
                least_ess=round(ess),
                divergences=sum(post.n_divergences for post in nuts),
                verdict="too few draws" if ess < LEAST_ESS else "agree" if errors.max() < MOST_ERRORS else "differ",
            ),
        )
    assert max(worst.values()) < MOST_ERRORS, worst
    return chains


@pytest.mark.calibration
@pytest.mark.parametrize("which", DATA, ids=str)
def test_engines_agree_on_data(which, record_property):
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
    assert differences(label_free(one), label_free(other)).max() > MOST_ERRORS
