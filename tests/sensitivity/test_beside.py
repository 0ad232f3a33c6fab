from itertools import combinations

import numpy as np
import pytest
from scipy import integrate, stats

import bayesgmm as bg
from bayesgmm.covariance import find_structure
from bayesgmm.draws import Draws
from bayesgmm.prior import DirichletWeights, FixedWishart, NormalMeans, Prior
from bayesgmm.sensitivity import prior_beside_posterior
from bayesgmm.sensitivity.beside import placed
from bayesgmm.sensitivity.quantities import of_components, unordered
from bayesgmm.sensitivity.simulated import stacked
from tests.laws import random_covariances

X, _, _ = bg.simulate(300, 2, 2, separation=6.0, seed=3)
SD = 3.0  # of the rows, which the prior below knows


def knowing_the_scale(location, scale):
    return Prior(DirichletWeights(1.0), NormalMeans(location, scale), FixedWishart(1e5, 1e5 * SD**2))


@pytest.mark.parametrize(("location", "scale"), [(0.0, 1.0), (0.3, 0.5), (40.0, 1.0)])
def test_against_the_normal_law(location, scale):
    """One component of known scale: the mean has a normal posterior, so that every column has a formula."""
    rows = np.random.default_rng(0).normal(1.0, SD, 12)
    post = bg.fit_bayes(rows[:, None], 1, "spherical", knowing_the_scale(location, scale), seed=1, progress=False)
    precision = 1 / scale**2 + len(rows) / SD**2
    before = stats.norm(location, scale)
    after = stats.norm((location / scale**2 + rows.sum() / SD**2) / precision, 1 / np.sqrt(precision))
    table = prior_beside_posterior(post, prob=0.8)
    row = table.loc["means[0, x1]"]
    for law, name in ((before, "prior"), (after, "posterior")):
        found = row[[f"{name}_median", f"{name}_lower", f"{name}_upper"]].to_numpy(float)
        np.testing.assert_allclose(found, law.ppf([0.5, 0.1, 0.9]), atol=0.12 * law.std())  # five standard errors
    ends = before.mean() - 10 * scale, after.mean() - 10 * scale, before.mean() + 10 * scale, after.mean() + 10 * scale
    shared = integrate.quad(lambda x: min(before.pdf(x), after.pdf(x)), min(ends), max(ends), limit=400)[0]
    assert row["overlap"] == pytest.approx(shared, abs=4 * row["overlap_mcse"] + 0.01)
    assert row["contraction"] == pytest.approx(1 - (after.std() / before.std()) ** 2, abs=0.08)
    said = ("mixture_mean[x1]" in table.attrs["verdict"][1]) == (not before.ppf(0.1) < after.median() < before.ppf(0.9))
    assert said


@pytest.mark.filterwarnings("ignore::bayesgmm.observations.DataWarning")
def test_hardly_any_data():
    """Two rows that say next to nothing: the posterior is the prior."""
    prior = Prior(DirichletWeights(2.0), NormalMeans(0.0, 0.01), FixedWishart(50.0, 50.0 * SD**2))
    post = bg.fit_bayes([[0.5], [-0.4]], 2, "spherical", prior, seed=1, progress=False)
    table = prior_beside_posterior(post)
    assert (table["overlap"] > 0.95).all()
    assert (table["contraction"].abs() < 0.15).all()
    assert f"For {len(table)} of {len(table)} quantities the posterior is nearly the prior" in table.attrs["verdict"][0]


def test_two_clear_groups():
    post = bg.fit_bayes(X, 2, seed=1, draws=500, progress=False)
    table = prior_beside_posterior(post, n_draws=2000)
    assert (table["overlap"] < 0.5).all()
    assert (table["contraction"] > 0.9).all()
    assert {"weights[1]", "means[0, x2]", "scales[1, x1]", "correlations[0, x2, x1]"} <= set(table.index)
    np.testing.assert_allclose(table.loc["weights[0]"].iloc[:3], table.loc["weights[1]"].iloc[:3], atol=0.08)
    posterior = post.relabelled.draws
    np.testing.assert_allclose(table.loc["means[0, x2]", "posterior_median"], np.median(posterior.means[..., 0, 1]))
    again = prior_beside_posterior(bg.relabel(post), n_draws=2000)
    np.testing.assert_array_equal(table, again)


def test_places_keep_the_prior_of_their_components():
    """Weights ~ Dirichlet(2, 20): where relabelling moved the second to place 0 in all draws, or in half of them."""
    prior = stacked(bg.Prior.weakly_informative(X, weights_concentration=[2.0, 20.0]).sample(2000, 2))
    swapped, half = np.tile([1, 0], (4, 100, 1)), np.tile([0, 1], (4, 100, 1))
    half[:, ::2] = [1, 0]
    assert stats.kstest(placed(prior, swapped).weights[0, :, 0], stats.beta(20, 2).cdf).pvalue > 0.001
    one, other = (stats.beta(*e).cdf for e in ((2, 20), (20, 2)))
    assert stats.kstest(placed(prior, half).weights[0, :, 0], lambda w: (one(w) + other(w)) / 2).pvalue > 0.001


@pytest.mark.parametrize("code", ["VVV", "EEE", "VVI", "EII"])
def test_quantities_against_one_mixture_at_a_time(code):
    rng, names = np.random.default_rng(0), ["a", "b", "c"]
    covariances = np.stack([random_covariances(code, 3, 3, rng) for _ in range(4)])[None]
    draws = Draws(rng.dirichlet(np.ones(3), (1, 4)), rng.normal(size=(1, 4, 3, 3)), covariances, find_structure(code))
    found, parts = unordered(draws, names), of_components(draws, names)
    for s in range(4):
        w, mu, sigma = draws.weights[0, s], draws.means[0, s], covariances[0, s]
        mean = w @ mu
        total = sum(w[k] * (sigma[k] + np.outer(mu[k], mu[k])) for k in range(3)) - np.outer(mean, mean)
        within = np.einsum("k,kjj->j", w, sigma)
        distances = [
            np.sqrt((mu[i] - mu[j]) @ np.linalg.inv((sigma[i] + sigma[j]) / 2) @ (mu[i] - mu[j]))
            for i, j in combinations(range(3), 2)
        ]
        expected = {f"mixture_mean[{name}]": mean[j] for j, name in enumerate(names)}
        expected |= {f"mixture_sd[{name}]": np.sqrt(total[j, j]) for j, name in enumerate(names)}
        expected |= {f"share_within[{name}]": within[j] / total[j, j] for j, name in enumerate(names)}
        expected |= {f"sorted_weights[{k}]": value for k, value in enumerate(sorted(w, reverse=True))}
        distinct = sigma[:1] if draws.structure.is_shared else sigma
        volumes = sorted((0.5 * np.log(np.linalg.det(matrix)) for matrix in distinct), reverse=True)
        expected |= {f"sorted_log_volumes[{k}]": value for k, value in enumerate(volumes)}
        expected["least_separation"] = min(distances)
        assert {name: values[0, s] for name, values in found.items()} == pytest.approx(expected)
        assert parts["scales[0, b]"][0, s] == pytest.approx(np.sqrt(sigma[0, 1, 1]))
        if not draws.structure.is_diagonal:
            assert parts["correlations[0, c, a]"][0, s] == pytest.approx(
                sigma[0, 2, 0] / np.sqrt(sigma[0, 0, 0] * sigma[0, 2, 2])
            )
    assert ("scales[1, a]" in parts) != draws.structure.is_shared
    orders = np.argsort(rng.random((1, 4, 3)), axis=-1)
    for name, values in unordered(draws.permuted(orders), names).items():
        np.testing.assert_allclose(values, found[name], rtol=1e-12)


def test_what_cannot_be_asked():
    post = bg.fit_bayes(X[:, :1], 1, "spherical", seed=1, draws=50, tune=20, progress=False)
    with pytest.raises(ValueError, match="prob must be above 0 and below 1"):
        prior_beside_posterior(post, prob=90)
    with pytest.raises(ValueError, match="20 draws of the prior are too few"):
        prior_beside_posterior(post, n_draws=20)
    with pytest.raises(TypeError, match="must be a Posterior"):
        prior_beside_posterior(post.specification)
