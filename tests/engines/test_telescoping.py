"""The telescoping sampler: moves that leave the joint distribution as it is, and published probabilities."""

from math import comb

import arviz as az
import numpy as np
import pytest
from scipy.special import gammaln, logsumexp

import bayesgmm as bg
from bayesgmm.engines import telescoping
from bayesgmm.engines.gibbs import laws_of, state_of
from bayesgmm.engines.gibbs.sweeps import State
from bayesgmm.engines.telescoping import number_of, spacious
from bayesgmm.engines.telescoping.sweeps import Counters, draw_number, run
from bayesgmm.interruption import PartialWarning
from bayesgmm.prior import FLaw, GammaLaw
from bayesgmm.specification import MfmSpecification
from tests.engines.stopping import stop_second_chain
from tests.engines.test_gibbs import functions, geweke_scores
from tests.laws import PRIORS, problem

GALAXIES = bg.load_dataset("galaxies_26960")
SHORT = {"draws": 60, "tune": 20, "chains": 2, "progress": False}
RICHARDSON_GREEN = [0.061, 0.128, 0.182, 0.199, 0.160, 0.109, 0.071, 0.040, 0.023, 0.013, 0.006, 0.003]  # K = 3 to 14
CONCENTRATIONS = {
    "static": bg.Concentration.static(1.5),
    "static, random": bg.Concentration.static(GammaLaw(2.0, 2.0)),
    "dynamic": bg.Concentration.dynamic(2.0),
    "dynamic, random": bg.Concentration.dynamic(FLaw(6.0, 3.0)),
}
NUMBERS = {
    "bnb": bg.ComponentsPrior.beta_negative_binomial(largest=8),
    "uniform": bg.ComponentsPrior.uniform(1, 5),
    "poisson": bg.ComponentsPrior.poisson(1.5, largest=6),
    "fixed": bg.ComponentsPrior.fixed(4),
}


def without_data(number, concentration, n=12, sweeps=40_000, seed=0):
    """K, K+ and the concentration where all components are alike, so that rows are allocated by the weights alone."""
    prior = bg.Prior.inverse_wishart(0.0, 1e-9, 1e9, 1e9)
    return bg.fit_mfm(
        np.linspace(-1, 1, n), number, "spherical", prior, concentration, draws=sweeps // 2, tune=50, chains=2, thin=1,
        seed=seed, progress=False,
    )  # fmt: skip


def filled_given(k, e, n):
    """p(K+ | K = k) for a symmetric Dirichlet, by the polynomial whose powers count partitions."""
    sizes = np.arange(1, n + 1)
    one = np.concatenate([[0.0], np.exp(gammaln(sizes + e) - gammaln(e) - gammaln(sizes + 1))])
    power, masses = np.ones(1), []
    constant = gammaln(n + 1) + gammaln(k * e) - gammaln(n + k * e)
    for f in range(1, k + 1):
        power = np.convolve(power, one)[: n + 1]
        masses.append(comb(k, f) * power[n] * np.exp(constant) if len(power) > n else 0.0)
    return np.array(masses)


@pytest.mark.parametrize("concentration", ["static", "dynamic"])
@pytest.mark.parametrize("name", list(NUMBERS))
def test_without_data_the_priors_come_back(name, concentration):
    """K and K+ each within 4.5 Monte Carlo standard errors: 80 comparisons or so, 5e-4 for a false alarm."""
    number, law = NUMBERS[name], CONCENTRATIONS[concentration]
    table = without_data(number, law).probabilities
    expected = np.zeros(number.largest)
    for k, p in enumerate(number.probabilities, start=1):
        expected[:k] += p * filled_given(k, float(law.for_components(law.law, k)), 12)
    assert expected.sum() == pytest.approx(1)
    for found, error, prior in (
        ("posterior", "posterior_mcse", number.probabilities[: len(table)]),
        ("filled", "filled_mcse", expected[: len(table)]),
    ):
        known = table[error].notna() & (prior * 40_000 > 50)
        assert (np.abs(table[found] - prior)[known] < 4.5 * table[error][known]).all()
        assert np.abs(table[found] - prior).max() < 0.02


@pytest.mark.parametrize("concentration", ["static, random", "dynamic, random"])
def test_without_data_the_law_of_the_concentration_comes_back(concentration):
    """Quartiles of its law hold a quarter of the draws each, within 4.5 standard errors; 1e-4 for a false alarm."""
    law = CONCENTRATIONS[concentration]
    post = without_data(NUMBERS["bnb"], law, sweeps=60_000)
    drawn = post.tree["posterior"]["concentration"].to_numpy()
    edges = np.quantile(law.sample(400_000, np.random.default_rng(0)), [0.25, 0.5, 0.75])
    for edge, share in zip(edges, (0.25, 0.5, 0.75), strict=True):
        below = (drawn < edge).astype(float)
        assert abs(below.mean() - share) < 4.5 * np.hypot(float(az.mcse(below)), np.sqrt(share * (1 - share) / 400_000))


def geweke(prior, code, d, number, concentration, n=8, rounds=12_000, burn=200, seed=0):
    """Geweke's successive-conditional simulator, with K among what is drawn."""
    spec = MfmSpecification(number, code, prior, concentration)
    rng = np.random.default_rng(seed)
    k = number.largest
    (start,) = prior.sample(1, k, code, d, seed)
    given = spec.given(k)
    state, laws = spacious(state_of(given, *start), k), laws_of(given, d, switch=False)
    counters = Counters(np.array([k]), np.array([k]), np.array([concentration.typical]))
    shapes = ((1, k if len(part) else 0, *part.shape[1:]) for part in state)
    draws = State(*map(np.empty, shapes))
    drawn = Counters(*(np.empty_like(part) for part in counters))
    X = start.mixture.sample(n, seed)[0]
    seen = np.empty((rounds, 7))
    for i in range(-burn, rounds):
        run(X, laws, number_of(spec), state, counters, rng, draws, drawn, np.empty(1), 1)
        k = int(counters.n_components[0])
        roots = state.factors[:k] if state.factors.ndim == 3 else state.factors[:k, :, None] * np.eye(d)
        allocations = (rng.random(n)[:, None] > np.cumsum(state.weights[:k])[:-1]).sum(axis=1)
        noise = np.linalg.solve(np.swapaxes(roots, 1, 2), np.eye(d))[allocations] @ rng.standard_normal((n, d, 1))
        X = state.means[allocations] + noise[..., 0]
        if i >= 0:
            precisions = roots @ np.swapaxes(roots, 1, 2)
            random = np.log(counters.concentration[0]) if concentration.is_random else 0.0
            seen[i] = (k, random, *functions(state.weights[:k], state.means[:k], precisions))
    return seen


def from_prior(prior, code, d, number, concentration, draws=4000, seed=1):
    spec, rng = MfmSpecification(number, code, prior, concentration), np.random.default_rng(seed)
    rows = []
    for s, value in enumerate(concentration.sample(draws, rng)):
        k = int(rng.choice(number.largest, p=number.probabilities)) + 1
        each = float(concentration.for_components(value, k))
        mixture = spec.given(k, each).prior.sample(1, k, code, d, s)[0].mixture
        random = np.log(value) if concentration.is_random else 0.0
        rows.append((k, random, *functions(mixture.weights, mixture.means, np.linalg.inv(mixture.covariances))))
    return np.array(rows)


@pytest.mark.parametrize(
    ("name", "code", "concentration"),
    [
        ("hierarchical_wishart", "VVV", "dynamic, random"),
        ("hierarchical_wishart", "EEE", "static"),
        pytest.param("inverse_wishart", "VII", "static, random", marks=pytest.mark.grid),
        pytest.param("inverse_wishart", "EEI", "dynamic", marks=pytest.mark.grid),
        ("normal_inverse_wishart", "VVV", "static"),
        pytest.param("normal_inverse_wishart", "EII", "dynamic, random", marks=pytest.mark.grid),
        pytest.param("half_t", "VVI", "static", marks=pytest.mark.grid),
        ("half_t", "VVV", "dynamic"),
        ("half_t", "EEE", "static, random"),
    ],
)
def test_geweke(name, code, concentration):
    """The joint distribution is left as it is: seven functions within 4.5 standard errors; 63 in all, 4e-4 for a false alarm."""
    X = problem(code, n=30, n_features=2, n_components=2)[0]
    arguments = PRIORS[name](X, code), code, 2, bg.ComponentsPrior.uniform(1, 4), CONCENTRATIONS[concentration]
    scores = geweke_scores(geweke(*arguments), from_prior(*arguments))
    assert (scores < 4.5).all(), scores


def test_richardson_and_green_on_the_galaxies():
    """Their table 1, itself a run of theirs: a total variation within 0.06 from each of two seeds."""
    for seed in (1, 2):
        post = bg.fit_mfm(
            GALAXIES,
            bg.ComponentsPrior.uniform(1, 30),
            "spherical",
            bg.Prior.richardson_green(GALAXIES),
            seed=seed,
            progress=False,
        )
        found = post.probabilities["posterior"].reindex(range(3, 15), fill_value=0.0)
        rest = 1 - sum(RICHARDSON_GREEN), 1 - found.sum()
        assert 0.5 * (np.abs(found - RICHARDSON_GREEN).sum() + abs(rest[0] - rest[1])) < 0.06
        assert bg.diagnose(post).converged
        mean_filled = float(post.n_filled.mean())
        assert mean_filled == pytest.approx(5.82, abs=0.25)


def test_two_groups_are_found_and_given():
    X, _, truth = bg.simulate(300, 2, 2, 6.0, seed=0)
    post = bg.fit_mfm(X, concentration=bg.Concentration.dynamic(), draws=500, tune=200, progress=False)
    assert post.probabilities.loc[2, "filled"] > 0.9
    two = post.given(2)
    assert two.n_components == 2
    np.testing.assert_allclose(two.draws.weights.sum(axis=2), 1)
    means = bg.relabel(two).draws.means.mean(axis=(0, 1))
    np.testing.assert_allclose(means[means[:, 0].argsort()], truth.means[truth.means[:, 0].argsort()], atol=0.3)
    assert bg.diagnose(two).components_trusted
    assert np.isfinite(two.tree["sample_stats"]["lp"]).all()
    with pytest.raises(ValueError, match=r"draws have 9 filled components.*with enough: 2"):
        post.given(9)


def test_data_that_divide_as_well_into_three_are_told_so_by_telescoping_and_evidence():
    """Old Faithful with free covariances: K = 3 is some eight times as likely as K = 2, whichever is asked."""
    X = bg.load_dataset("faithful")
    table = bg.fit_mfm(X, bg.ComponentsPrior.uniform(1, 10), draws=1000, progress=False).probabilities
    assert table["posterior"].idxmax() == 3
    two, three = (bg.log_marginal_likelihood(bg.fit_bayes(X, k, draws=1000, progress=False)) for k in (2, 3))
    assert three.value - two.value == pytest.approx(np.log(8.3), abs=0.2)


def test_draws_are_padded_and_as_many_as_k_says():
    post = bg.fit_mfm(GALAXIES, bg.ComponentsPrior.uniform(2, 6), "spherical", seed=3, **SHORT)
    group, k = post.tree["posterior"], post.n_components
    used = np.arange(group.sizes["component"]) < k[..., None]
    assert (post.n_filled <= k).all()
    assert ((k >= 2) & (k <= 6)).all()
    for name in ("weights", "means", "covariances"):
        values = group[name].to_numpy()
        found = np.isfinite(values.reshape(*used.shape, -1)).all(axis=-1)
        np.testing.assert_array_equal(found, used)
    np.testing.assert_allclose(group["weights"].sum("component"), 1)
    np.testing.assert_allclose(post.draws.log_likelihood(post.observations.values), post.tree["sample_stats"]["log_likelihood"])


def test_same_seed_same_bits_for_any_number_of_cores():
    one, two, other = (bg.fit_mfm(GALAXIES, seed=seed, cores=cores, **SHORT) for seed, cores in ((7, 1), (7, 2), (8, 2)))
    for name, values in one.tree["posterior"].data_vars.items():
        np.testing.assert_array_equal(values, two.tree["posterior"][name])
    assert not np.array_equal(one.n_components, other.n_components)


def test_a_sparse_finite_mixture_empties_components():
    X, _, _ = bg.simulate(200, 2, 2, 6.0, seed=1)
    post = bg.fit_mfm(X, bg.ComponentsPrior.fixed(8), concentration=0.01, draws=300, tune=200, progress=False)
    assert (post.n_components == 8).all()
    assert post.probabilities["filled"].idxmax() == 2
    assert post.probabilities.loc[2, "filled"] > 0.9


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match=r"one weights_concentration"):
        bg.fit_mfm(GALAXIES, prior=bg.Prior.weakly_informative(GALAXIES, weights_concentration=[1.0, 2.0]))
    with pytest.raises(ValueError, match=r"'lkj'.*nuts"):
        bg.fit_mfm(GALAXIES, prior=bg.Prior.weakly_informative(GALAXIES, family="lkj"))
    with pytest.raises(TypeError, match="components_prior"):
        bg.fit_mfm(GALAXIES, 3)
    for value in (-1.0, 1e-300, 1e300):
        with pytest.raises(ValueError, match="concentration"):
            bg.fit_mfm(GALAXIES, concentration=value)
    with pytest.raises(TypeError, match="prior must be a Prior"):
        bg.fit_mfm(GALAXIES, prior="a")


def test_priors_of_the_number_sum_to_one_and_have_their_means():
    cases = {"bnb": (bg.ComponentsPrior.beta_negative_binomial(1, 4, 3, largest=4000), 2.0)}
    cases |= {"poisson": (bg.ComponentsPrior.poisson(2.5), 3.5), "geometric": (bg.ComponentsPrior.geometric(0.25), 4.0)}
    cases |= {"uniform": (bg.ComponentsPrior.uniform(2, 5), 3.5), "fixed": (bg.ComponentsPrior.fixed(3), 3.0)}
    for number, mean in cases.values():
        assert number.probabilities.sum() == pytest.approx(1)
        assert (number.probabilities * np.arange(1, number.largest + 1)).sum() == pytest.approx(mean, rel=1e-4)


def test_the_number_given_the_partition_is_what_bayes_says():
    """The formula of the paper against a sum over all allocations of four rows to K labelled components."""
    number, e, sizes = bg.ComponentsPrior.uniform(1, 5), 0.7, np.array([3, 1])
    log_masses = [
        np.log(comb(k, 2) * 2) + gammaln(k * e) - gammaln(4 + k * e) + (gammaln(sizes + e) - gammaln(e)).sum()
        for k in range(2, 6)
    ]
    expected = np.exp(log_masses - logsumexp(log_masses))
    spec = MfmSpecification(number, "VII", bg.Prior.richardson_green(GALAXIES), bg.Concentration.static(e))
    rng, masses = np.random.default_rng(0), np.empty(5)
    drawn = [draw_number(rng, number_of(spec), e, sizes.astype(float), masses) for _ in range(40_000)]
    found = np.bincount(drawn, minlength=6)[2:] / 40_000
    np.testing.assert_allclose(found, expected, atol=4.5 * 0.5 / 200)


def test_interrupted_chains_give_what_they_have(monkeypatch):
    stop_second_chain(monkeypatch, telescoping.Chain, 30)
    with pytest.warns(PartialWarning, match="2 of 2 chains had 30 of 60 draws"):
        post = bg.fit_mfm(GALAXIES, seed=1, cores=1, **SHORT)
    assert post.n_components.shape == (2, 30)
    assert post.partial


@pytest.mark.parametrize("e", [1e-6, 1e-3, 0.3])
def test_the_prior_of_filled_components_holds_for_small_concentrations(e):
    """Beside the exact law, within 4.5 standard errors."""
    spec = MfmSpecification(bg.ComponentsPrior.fixed(5), "VII", bg.Prior.richardson_green(GALAXIES), bg.Concentration.static(e))
    _, filled = spec.sample_numbers(12, 20_000, np.random.default_rng(0))
    expected = filled_given(5, e, 12)
    found = (filled[:, None] == np.arange(1, 6)).mean(axis=0)
    assert (np.abs(found - expected) <= 4.5 * np.sqrt(np.maximum(expected * (1 - expected), 1e-12) / 20_000)).all()


def test_laws_without_end_are_cut_off_by_name():
    assert str(bg.ComponentsPrior.poisson(2.0, largest=10)) == "K - 1 ~ Poisson(2), K <= 10"
    with pytest.raises(ValueError, match=r"Poisson\(1000\) has .* raise largest"):
        bg.ComponentsPrior.poisson(1000.0)


def test_lp_of_given_draws_is_their_log_posterior():
    """With a known static concentration the draws given K+ have the density of that model, up to a constant."""
    post = bg.fit_mfm(GALAXIES, bg.ComponentsPrior.uniform(1, 6), "spherical", draws=800, tune=100, chains=2, progress=False)
    k = int(post.probabilities["filled"].idxmax())
    given = post.given(k)
    nuisance = given.tree["posterior"]["precisions_rate"].to_numpy()
    mixture = given.draws.mixture(1, 3)
    log_prior = given.specification.log_prior(mixture, {"precisions_rate": nuisance[1, 3]})
    expected = mixture.log_density(GALAXIES).sum() + log_prior
    assert float(given.tree["sample_stats"]["lp"][1, 3]) == pytest.approx(expected)
    assert "K+ = " in str(given)


def test_concentrations_that_change_with_k_count_draw_by_draw():
    """Under alpha / K the weights of the filled components have the parameter of their draw's own alpha and K."""
    concentration = bg.Concentration.dynamic(FLaw(6.0, 3.0))
    post = bg.fit_mfm(GALAXIES, None, "spherical", concentration=concentration, draws=800, tune=100, chains=2, progress=False)
    k = int(post.probabilities["filled"].idxmax())
    given = post.given(k)
    group = given.tree["posterior"]
    assert np.isfinite(given.tree["sample_stats"]["lp"]).all()
    assert group["concentration"].std() > 0
    with pytest.raises(TypeError, match=r"got MfmPosterior: take \.given"):
        bg.relabel(post)
