"""NUTS finds the parameters that data were simulated from, under each prior and structure."""

import arviz as az
import numpy as np
import pytest

import bayesgmm as bg
from tests.laws import BAYESIAN, PRIORS, problem

# The prior that NUTS alone can draw under: that every model is the density that it should be, and that NUTS agrees with Gibbs,
# is tested elsewhere. All pairs under `pytest -m grid`.
COVERING = {("lkj", "VVV")}
PAIRS = [
    pytest.param(name, code, marks=() if (name, code) in COVERING else pytest.mark.grid, id=f"{name}-{code}")
    for name in PRIORS
    for code in BAYESIAN
]


@pytest.mark.parametrize(("name", "code"), PAIRS)
def test_simulated_parameters_are_recovered(name, code):
    """Each weight, mean and variance within four posterior sds of the truth: a miss has probability below 1e-3."""
    X, _, truth = problem(code, n=600, n_components=2, n_features=2, separation=4.0, seed=4)
    post = bg.fit_bayes(X, 2, code, PRIORS[name](X, code), engine="nuts", draws=500, tune=500, seed=2, progress=False)
    assert bg.diagnose(post).components_trusted
    assert post.n_divergences == 0
    draws = bg.relabel(post).draws
    mean, _ = draws.responsibilities(X)
    order = (truth.responsibilities(X).T @ mean).argmax(axis=1)
    for what in ("weights", "means", "covariances"):
        values = getattr(draws, what)[:, :, order]
        error = values.mean(axis=(0, 1)) - getattr(truth, what)
        assert (np.abs(error) <= 4 * values.std(axis=(0, 1)) + 1e-12).all()


def test_richardson_green_under_nuts():
    """One feature: the same posterior whichever of the equivalent structures it is asked in, within five standard errors."""
    galaxies = bg.load_dataset("galaxies_26960")
    prior = bg.Prior.richardson_green(galaxies)
    posts = [bg.fit_bayes(galaxies, 3, code, prior, engine="nuts", draws=1500, seed=2, progress=False) for code in ("VII", "VVV")]
    totals = [post.total_log_likelihood for post in posts]
    error = np.hypot(*(float(az.mcse(total)) for total in totals))
    assert abs(totals[0].mean() - totals[1].mean()) < 5 * error
