from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import bayesgmm as bg
from bayesgmm.prior import DirichletWeights, FixedWishart, NormalMeans, Prior
from bayesgmm.sensitivity import power_scaling
from bayesgmm.sensitivity.parts import PARTS, log_prior
from bayesgmm.sensitivity.powers import CONFLICT, QUIET, STRONG, UNRELIABLE, UNTOLD
from bayesgmm.sensitivity.scaling import normal_scores, pareto_k, sensitivity, shift

X, _, _ = bg.simulate(1000, 2, 2, separation=6.0, seed=3)
FEW, _, _ = bg.simulate(60, 2, 1, separation=6.0, seed=4)
BASE = bg.Prior.weakly_informative(X, family="inverse_wishart")
WRONG = X.mean(axis=0) + 5 * X.std(axis=0)


def fitted(data=X, prior=None, covariance="full", **settings):
    return bg.fit_bayes(data, 2, covariance=covariance, prior=prior, seed=1, progress=False, **settings)


@pytest.fixture(scope="module")
def default():
    return fitted()


@pytest.mark.parametrize("family", ["hierarchical_wishart", "inverse_wishart", "normal_inverse_wishart", "half_t"])
def test_log_prior_is_what_the_sampler_has(family):
    """lp - log-likelihood is the joint density; less the law of the nuisance variables given the rest, by SciPy, it is ours."""
    prior = bg.Prior.weakly_informative(X, weights_concentration=2.0, family=family)
    post = fitted(prior=prior, draws=20, tune=20, chains=2)
    posterior, part = post.tree["posterior"], prior.covariances
    precisions = np.linalg.inv(posterior["covariances"].to_numpy())
    of_nuisance = np.zeros(post.draws.shape)
    for at in np.ndindex(post.draws.shape):
        if family == "hierarchical_wishart":
            total = part.rate_rate + precisions[at].sum(axis=0)
            law = stats.wishart(2 * (part.rate_concentration + 2 * part.concentration), np.linalg.inv(2 * total))
            of_nuisance[at] = law.logpdf(posterior["precisions_rate"].to_numpy()[at])
        if family == "half_t":
            diagonals = np.diagonal(precisions[at], axis1=1, axis2=2)
            law = stats.gamma(0.5 + (2.0 + 1) / 2, scale=1 / (1 / part.scales**2 + 2.0 * diagonals))
            of_nuisance[at] = law.logpdf(posterior["half_t_rates"].to_numpy()[at]).sum()
    joint = post.tree["sample_stats"]["lp"].to_numpy() - post.total_log_likelihood
    np.testing.assert_allclose(log_prior(post, "all"), joint - of_nuisance, rtol=1e-9)
    np.testing.assert_array_equal(log_prior(bg.relabel(post), "all"), log_prior(post, "all"))


@pytest.mark.grid
def test_log_prior_under_nuts(eruptions_one):
    """NUTS tells the density of logarithms of the precision and of its rate, up to a constant."""
    posterior = eruptions_one.tree["posterior"]
    rate = posterior["precisions_rate"].to_numpy()[..., 0, 0]
    precision = 1 / posterior["covariances"].to_numpy()[..., 0, 0, 0]
    prior = eruptions_one.specification.prior.covariances
    total = prior.rate_rate[0, 0] + precision
    of_rate = stats.gamma(prior.rate_concentration + prior.concentration, scale=1 / total).logpdf(rate)
    lp = eruptions_one.tree["sample_stats"]["lp"].to_numpy() - eruptions_one.total_log_likelihood
    left = lp - (log_prior(eruptions_one, "all") + of_rate) - np.log(precision) - np.log(rate)
    assert np.ptp(left) < 1e-8


def test_the_default_prior_is_quiet(default):
    """Two clear groups, 1000 rows: what is claimed of them does not hang on the prior, nor on its hyperprior alone."""
    for part in ("hyperprior", "all"):
        table = power_scaling(default, part=part)
        assert (table["diagnosis"] == QUIET).all(), table
        assert (table.drop("log_likelihood")["likelihood"] > 0.05).all()
        assert "No quantity hangs on the" in table.attrs["verdict"][0]
    assert {"weights[0]", "means[1, x2]", "covariances[0, x2, x1]", "sorted_weights[1]"} <= set(table.index)
    assert table.attrs["pareto_k"]["likelihood"] < 0.5


PLANTED = {
    "weights": (replace(BASE, weights=DirichletWeights(400.0)), "sorted_weights[0]"),
    "means": (replace(BASE, means=NormalMeans(WRONG, 0.1 * X.std(axis=0))), "log_likelihood"),
    "covariances": (replace(BASE, covariances=FixedWishart(100.0, 250.0 * np.eye(2))), "log_likelihood"),
}


@pytest.mark.parametrize("part", PLANTED)
def test_a_planted_prior_is_found(part):
    prior, quantity = PLANTED[part]
    post = fitted(prior=prior, draws=500)
    for raised in ("all", part):
        table = power_scaling(post, [quantity], raised)
        assert table.loc[quantity, "diagnosis"] == CONFLICT
        assert "1 of 1 quantities hang on the prior" in " ".join(table.attrs["verdict"])
    if part == "weights":  # and is not laid at the door of the others
        assert power_scaling(post, [quantity], "means").loc[quantity, "diagnosis"] == QUIET


def test_weak_data():
    """The first of two features is wide: three rows say nothing of it beside such a prior."""
    prior = Prior(DirichletWeights(1.0), NormalMeans(0.0, 1e-3), FixedWishart(2.0, 1.0))
    post = bg.fit_bayes([[-1.0], [0.1], [1.0]], 1, "spherical", prior, progress=False)
    mean = {"mean": post.draws.means[..., 0, 0], "other": post.draws.covariances[..., 0, 0, 0]}
    assert power_scaling(post, mean, "means")["diagnosis"].tolist() == [STRONG, QUIET]


@pytest.mark.parametrize("part", ["weights", "means", "covariances"])
def test_against_refits(part):
    """Each part to the powers 1.25 and 1 / 1.25 stays in its family: means of refits move as they were said to.

    Ten quantities or fewer of each, within four standard errors (false alarms below 1 in 1000) and a tenth for curvature.
    """
    low, high = FEW.min(), FEW.max()
    weights, means, covariances = DirichletWeights(40.0), NormalMeans(0.3 * low + 0.7 * high, 1.0), FixedWishart(8.0, 20.0)

    def raised(alpha):
        powers = {
            "weights": DirichletWeights(alpha * (weights.concentration - 1) + 1),
            "means": replace(means, scale=means.scale / np.sqrt(alpha)),
            "covariances": FixedWishart(alpha * (covariances.concentration - 1) + 1, alpha * covariances.rate),
        }
        return fitted(FEW, replace(Prior(weights, means, covariances), **{part: powers[part]}), "spherical")

    def quantities(post):
        draws = bg.relabel(post, "ordering").draws
        return draws.quantities(["x"]) | {"log_volume": np.log(draws.covariances[..., 0, 0]).sum(axis=-1)}

    post, step = raised(1.0), 1.25
    table = power_scaling(post, quantities(post), part)
    below, here, above = (quantities(fit) for fit in (raised(1 / step), post, raised(step)))
    for name, row in table.iterrows():
        sd, doublings = here[name].std(), 2 * np.log2(step)
        moved = (above[name].mean() - below[name].mean()) / sd / doublings
        error = np.hypot(row["shift_mcse"], np.sqrt(2 / 2000) / doublings)  # at least 2000 effective draws of 4000
        assert moved == pytest.approx(row["shift"], abs=4 * error + 0.1 * abs(row["shift"])), name
    assert table["shift"].abs().max() > 0.3


def test_the_threshold_is_a_quarter_of_a_standard_deviation():
    """A log density that moves the mean of a standard normal by 0.24 for each doubling, in whatever transform it is told."""
    z = np.random.default_rng(0).normal(size=(4, 1000, 1))
    scores = normal_scores(z)
    for sign in (-1, 1):
        log_density = sign * 0.24 / np.log(2) * scores[..., 0]
        assert sensitivity(scores, log_density) == pytest.approx(0.05, abs=0.003)
        assert shift(scores, log_density)[0] == pytest.approx(sign * 0.24, abs=0.01)
    np.testing.assert_array_equal(normal_scores(np.exp(10 * z)), scores)
    assert stats.kstest(scores.ravel(), "norm").statistic < 1e-3


@pytest.mark.parametrize("n_draws", [50, 1000])
def test_chance_is_not_taken_for_the_prior(n_draws, default):
    """Of 100 quantities that nothing moves at most 4% are said to hang on the prior, however few the draws."""
    data, _, _ = bg.simulate(150, 3, 4, 4.0, seed=3)
    post = bg.fit_bayes(data, 3, seed=1, draws=n_draws, tune=100, progress=False) if n_draws == 50 else default
    rng = np.random.default_rng(0)
    table = power_scaling(post, {f"noise {i}": rng.normal(size=post.draws.shape) for i in range(100)})
    assert table["diagnosis"].isin([QUIET, UNTOLD]).mean() > 0.96
    few = any("take more draws" in sentence for sentence in table.attrs["verdict"])
    assert few == (table["diagnosis"] == UNTOLD).any() == (n_draws == 50)


def test_uneven_weights_are_told(default, monkeypatch):
    """exp(0.01 l) with l = 100 k E, E exponential, is Pareto with shape k."""
    exponential = np.random.default_rng(0).exponential(size=default.draws.shape)
    assert pareto_k(30 * exponential) == pytest.approx(0.3, abs=0.12)
    assert pareto_k(100 * exponential) == pytest.approx(1.0, abs=0.2)
    assert np.isnan(pareto_k(np.zeros((2, 100))))
    monkeypatch.setitem(PARTS, "all", lambda _: 100 * exponential)
    table = power_scaling(default)
    assert (table["diagnosis"] == UNRELIABLE).all()
    assert any("weights of the prior are too uneven" in sentence for sentence in table.attrs["verdict"])


def test_a_flat_prior_is_said_to_be_flat(default):
    table = power_scaling(default, part="weights")
    assert (table[["prior", "noise", "shift"]] == 0).all(axis=None)
    assert "flat" in table.attrs["verdict"][-1]


def test_what_cannot_be_asked(default):
    with pytest.raises(ValueError, match="Did you mean 'means'"):
        power_scaling(default, part="mean")
    with pytest.raises(ValueError, match="Did you mean 'sorted_weights"):
        power_scaling(default, ["sorted_weight[0]"])
    with pytest.raises(ValueError, match="same at every draw: one"):
        power_scaling(default, {"one": np.ones(default.draws.shape)})
    with pytest.raises(ValueError, match="must have shape"):
        power_scaling(default, {"short": np.ones(3)})
    with pytest.raises(ValueError, match="no quantities"):
        power_scaling(default, [])
    with pytest.raises(TypeError, match="EMResult"):
        power_scaling(bg.fit_em(FEW, 2))
    fixed = fitted(FEW, bg.Prior.weakly_informative(FEW, "spherical", family="inverse_wishart"), "spherical", draws=50, tune=20)
    with pytest.raises(ValueError, match="no hyperparameter"):
        power_scaling(fixed, part="hyperprior")
    with pytest.raises(ValueError, match="20 draws are too few"):
        power_scaling(fitted(FEW, None, "spherical", draws=10, tune=10, chains=2))


def test_components_that_may_not_be_believed_are_withheld():
    data, _, _ = bg.simulate(100, 1, 1, seed=0)
    post = fitted(data, None, "spherical", draws=200, tune=100)
    table = power_scaling(post)
    assert not table.index.str.startswith("means").any()
    assert "withheld" in table.attrs["verdict"][-1]
    with pytest.raises(ValueError, match=r"means\[0, x1\]: The components are withheld"):
        power_scaling(post, ["means[0, x1]"])
