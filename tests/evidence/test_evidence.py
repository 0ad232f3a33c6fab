"""The marginal likelihood: closed forms, quadrature, Monte Carlo over the prior, published values."""

import numpy as np
import pytest
from scipy.integrate import dblquad
from scipy.special import logsumexp, multigammaln
from scipy.stats import gamma, norm

import bayesgmm as bg
from bayesgmm.prior import FAMILIES
from tests.laws import BAYESIAN, PRIORS, problem

GALAXIES = bg.load_dataset("galaxies_26960")
LONG = {"draws": 6000, "progress": False}


def agrees(evidence, expected, error=0.0, most=4.5):
    """Within so many standard errors, at least a hundredth of one nat being allowed."""
    return abs(evidence.value - expected) < max(0.01, most * np.hypot(evidence.standard_error, error))


def test_one_component_in_one_dimension_by_quadrature():
    X = GALAXIES.to_numpy()[:20]
    prior = bg.Prior.inverse_wishart(20.0, 10.0, 3.0, 20.0)
    post = bg.fit_bayes(X, 1, prior=prior, seed=1, progress=False)
    evidence = bg.log_marginal_likelihood(post)
    top = post.tree["sample_stats"]["lp"].to_numpy().max()

    def joint(log_precision, mean):
        precision = np.exp(log_precision)
        log_likelihood = norm.logpdf(X, mean, precision**-0.5).sum()
        log_prior = norm.logpdf(mean, 20, 10) + gamma.logpdf(precision, 3, scale=1 / 20) + log_precision
        return np.exp(log_likelihood + log_prior - top)

    centre = np.log(post.tree["posterior"]["precisions"].to_numpy()).mean()
    integral, _ = dblquad(joint, X.mean() - 8, X.mean() + 8, centre - 3, centre + 3, epsabs=1e-10)
    assert evidence.standard_error < 0.01
    assert agrees(evidence, np.log(integral) + top)


@pytest.mark.parametrize("d", [1, 2, 4])
def test_one_component_under_the_conjugate_prior_has_a_closed_form(d):
    X = problem("VVV", n=60, n_features=d, n_components=1)[0]
    location, kappa, c = X.mean(axis=0) + 0.3, 0.7, (d + 3) / 2
    rate = np.diag(X.var(axis=0)) / 2 + 0.05
    prior = bg.Prior.normal_inverse_wishart(location, kappa, c, rate)
    evidence = bg.log_marginal_likelihood(bg.fit_bayes(X, 1, prior=prior, seed=2, draws=2000, progress=False))
    n, centre = len(X), X.mean(axis=0)
    shift = (centre - location)[:, None]
    scatter = (X - centre).T @ (X - centre) + kappa * n / (kappa + n) * shift @ shift.T
    closed = (
        -0.5 * n * d * np.log(np.pi)
        + multigammaln(c + n / 2, d)
        - multigammaln(c, d)
        + c * np.linalg.slogdet(2 * rate)[1]
        - (c + n / 2) * np.linalg.slogdet(2 * rate + scatter)[1]
        + 0.5 * d * (np.log(kappa) - np.log(kappa + n))
    )
    assert evidence.standard_error < 0.02
    assert agrees(evidence, closed)


COVERING = [("hierarchical_wishart", "VVV"), ("half_t", "VVI")]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        pytest.param(name, code, marks=() if (name, code) in COVERING else pytest.mark.grid)
        for name in FAMILIES
        for code in BAYESIAN
    ],
)
def test_monte_carlo_over_the_prior(name, code):
    """Few rows, so that draws from the prior find them: 36 comparisons at 4.5 standard errors, 2e-4 for a false alarm."""
    X = problem(code, n=40, n_features=2, n_components=2, seed=3)[0]
    prior, rows = PRIORS[name](X, code, weights_concentration=1.5), X[:5]
    drawn = prior.sample(30_000, 2, code, 2, seed=4)
    log_likelihoods = np.array([draw.mixture.log_density(rows).sum() for draw in drawn])
    log_mean = logsumexp(log_likelihoods) - np.log(len(drawn))
    relative = np.exp(log_likelihoods - log_mean)
    error = relative.std() / np.sqrt(len(drawn))
    with pytest.warns(bg.observations.DataWarning):
        post = bg.fit_bayes(rows, 2, code, prior, draws=2000, seed=5, progress=False)
    evidence = bg.log_marginal_likelihood(post)
    assert evidence.standard_error < 0.2
    assert agrees(evidence, log_mean, error), (evidence, log_mean, error)


@pytest.mark.parametrize(
    ("n_components", "covariance", "expected"),
    [(2, "tied_spherical", -239.762), (3, "tied_spherical", -226.814), (3, "spherical", -226.790), (2, "spherical", -232.886)],
)
def test_published_values_of_the_galaxies(n_components, covariance, expected):
    """Neal (1999) and later: -239.76, -226.84, -226.80; long runs: as expected here, within 0.002."""
    code = {"tied_spherical": "EII", "spherical": "VII"}[covariance]
    prior = bg.Prior.inverse_wishart(20.0, 10.0, 3.0, 20.0)
    post = bg.fit_bayes(GALAXIES, n_components, code, prior, seed=3, **LONG)
    evidence = bg.log_marginal_likelihood(post)
    assert evidence.standard_error <= 0.01
    assert evidence.value == pytest.approx(expected, abs=0.03)


def test_labels_that_switch_and_labels_that_do_not_have_the_same_evidence():
    settings = {"engine": "gibbs", "seed": 1, "draws": 2000, "progress": False}
    X = bg.load_dataset("faithful")
    one, other = (bg.log_marginal_likelihood(bg.fit_bayes(X, 2, switch_labels=switch, **settings)) for switch in (False, True))
    assert agrees(one, other.value, other.standard_error)


def test_telescoping_finds_the_same_ratios():
    """p(K = 4) / p(K = 3), K uniform, beside the ratio of the evidences."""
    prior = bg.Prior.richardson_green(GALAXIES)
    table = bg.fit_mfm(GALAXIES, bg.ComponentsPrior.uniform(1, 30), "spherical", prior, seed=5, progress=False).probabilities
    three, four = (bg.log_marginal_likelihood(bg.fit_bayes(GALAXIES, k, "spherical", prior, seed=6, **LONG)) for k in (3, 4))
    share, error = table["posterior"], table["posterior_mcse"]
    log_ratio, spread = np.log(share[4] / share[3]), np.hypot(error[4] / share[4], error[3] / share[3])
    assert agrees(four, three.value + log_ratio, np.hypot(spread, three.standard_error))


def test_bayes_factors():
    evidences = {
        "a": bg.evidence.LogMarginalLikelihood(-10.0, 0.01),
        "b": bg.evidence.LogMarginalLikelihood(-10.0 + np.log(3), 0.02),
    }
    table = bg.bayes_factors(evidences)
    assert list(table.index) == ["b", "a"]
    np.testing.assert_allclose(table["probability"], [0.75, 0.25])
    np.testing.assert_allclose(table["log_bayes_factor"], [0.0, -np.log(3)])
    np.testing.assert_allclose(bg.bayes_factors(evidences, {"a": 0.75, "b": 0.25})["probability"], [0.5, 0.5])
    assert list(bg.bayes_factors(evidences, {"a": 9.0, "b": 1.0}).index) == ["a", "b"]
    some = bg.bayes_factors(evidences | {"c": bg.evidence.LogMarginalLikelihood(np.nan, np.nan)})
    np.testing.assert_allclose(some["probability"], [0.75, 0.25, np.nan])
    for wrong, sentence in (({"a": 1.0}, "same names"), ({"a": -1.0, "b": 1.0}, "'a'"), ({"a": 0.0, "b": 0.0}, "all zero")):
        with pytest.raises(ValueError, match=sentence):
            bg.bayes_factors(evidences, wrong)
    with pytest.raises(TypeError, match="'x' must be a LogMarginalLikelihood"):
        bg.bayes_factors({"x": -3.0})


def test_what_has_no_evidence_is_refused():
    few = bg.fit_bayes(GALAXIES, 2, draws=20, tune=20, chains=2, progress=False)
    with pytest.raises(ValueError, match="20 draws of each chain are too few"):
        bg.log_marginal_likelihood(few)
    given = bg.fit_mfm(GALAXIES, bg.ComponentsPrior.fixed(2), draws=200, tune=20, progress=False).given(2)
    with pytest.raises(ValueError, match="number of components is unknown"):
        bg.log_marginal_likelihood(given)
    uneven = bg.Prior.weakly_informative(GALAXIES, weights_concentration=[1.0, 2.0])
    with pytest.raises(ValueError, match="one weights_concentration for all"):
        bg.log_marginal_likelihood(bg.fit_bayes(GALAXIES, 2, prior=uneven, draws=200, tune=20, progress=False))
