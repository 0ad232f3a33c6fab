import dataclasses

import arviz as az
import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm.engines import gibbs
from bayesgmm.engines.gibbs import default_thin, laws_of, state_of
from bayesgmm.engines.gibbs.sweeps import State, run
from bayesgmm.interruption import PartialWarning
from bayesgmm.prior import FAMILIES
from tests.engines.stopping import stop_second_chain
from tests.laws import BAYESIAN, PRIORS, problem
from tests.monte_carlo import differences, fewest_draws, label_free

FAITHFUL = bg.load_dataset("faithful")
SEMI_CONJUGATE = [name for name in [*FAMILIES, "mclust"] if "lkj" not in name]
SHORT = {"draws": 200, "tune": 100, "chains": 2, "progress": False, "engine": "gibbs"}


def geweke(prior, code, d, n=8, n_components=2, rounds=12_000, burn=200, planted=None, seed=0):
    """Geweke's successive-conditional simulator: parameters given data by a sweep, data given parameters, in turn.

    ``planted`` is a wrong number of the prior that the sweep takes: the name of one of its laws, and what is added.
    """
    spec = bg.Specification(n_components, code, prior)
    rng = np.random.default_rng(seed)
    (start,) = prior.sample(1, n_components, code, d, seed)
    state, laws = state_of(spec, *start), laws_of(spec, d, switch=False)
    if planted is not None:
        name, excess = planted
        laws = laws._replace(**{name: getattr(laws, name) + excess})
    empty = State(*(np.empty((0, *part.shape)) for part in state))
    X = start.mixture.sample(n, seed)[0]
    seen = np.empty((rounds, 5))
    for i in range(-burn, rounds):
        run(X, laws, state, rng, 1, empty, np.empty(0), 0, 1)
        roots = state.factors if state.factors.ndim == 3 else state.factors[:, :, None] * np.eye(d)
        allocations = (rng.random(n)[:, None] > np.cumsum(state.weights)[:-1]).sum(axis=1)
        noise = np.linalg.solve(np.swapaxes(roots, 1, 2), np.eye(d))[allocations] @ rng.standard_normal((n, d, 1))
        X = state.means[allocations] + noise[..., 0]
        if i >= 0:
            seen[i] = functions(state.weights, state.means, roots @ np.swapaxes(roots, 1, 2))
    return seen


def functions(weights, means, precisions):
    """Of finite variance under every prior, and blind to labels; the last one sees how the matrices lie."""
    log_determinants = np.linalg.slogdet(precisions)[1]
    lean = precisions[:, 0, -1] / np.sqrt(precisions[:, 0, 0] * precisions[:, -1, -1])
    skew = np.log(precisions[:, 0, 0] / precisions[:, -1, -1])
    return (
        np.max(weights),
        np.arctan(means).mean(),
        log_determinants.mean(),
        np.ptp(log_determinants),
        (lean * np.tanh(skew)).mean(),
    )


def from_prior(prior, code, d, n_components=2, draws=4000, seed=1):
    drawn = [draw.mixture for draw in prior.sample(draws, n_components, code, d, seed)]
    return np.array([functions(m.weights, m.means, np.linalg.inv(m.covariances)) for m in drawn])


def geweke_scores(seen, drawn):
    """Differences of means in standard errors, the chain's by its effective sample size."""
    errors = np.array([float(az.mcse(column[None])) for column in seen.T])
    spread = np.sqrt(errors**2 + drawn.var(axis=0) / len(drawn))
    return np.abs(seen.mean(axis=0) - drawn.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


@pytest.mark.parametrize("code", BAYESIAN)
@pytest.mark.parametrize("name", SEMI_CONJUGATE)
def test_geweke(name, code):
    """The joint distribution is left as it is: five functions within 4.5 standard errors; 150 in all, 1e-3 for a false alarm."""
    X = problem(code, n=30, n_features=2, n_components=2)[0]
    prior = PRIORS[name](X, code, weights_concentration=1.5)
    scores = geweke_scores(geweke(prior, code, 2), from_prior(prior, code, 2))
    assert (scores < 4.5).all(), scores


@pytest.mark.parametrize(("name", "code", "d", "n_components"), [("half_t", "VVV", 4, 3), ("mclust", "EEE", 3, 3)])
def test_geweke_in_more_dimensions(name, code, d, n_components):
    X = problem(code, n=30, n_features=d, n_components=2)[0]
    prior = PRIORS[name](X, code, weights_concentration=0.7)
    scores = geweke_scores(geweke(prior, code, d, 12, n_components), from_prior(prior, code, d, n_components))
    assert (scores < 4.5).all(), scores


@pytest.mark.parametrize(("code", "n_components"), [("VII", 3), ("VVV", 2), ("EEE", 1)])
def test_geweke_for_richardson_and_green(code, n_components):
    prior = bg.Prior.richardson_green(bg.load_dataset("galaxies"))
    scores = geweke_scores(geweke(prior, code, 1, n_components=n_components), from_prior(prior, code, 1, n_components))
    assert (scores < 4.5).all(), scores


@pytest.mark.parametrize(
    ("name", "code", "planted"),
    [
        ("inverse_wishart", "VVV", ("concentration", 0.5)),  # c of the precisions, half their degrees of freedom
        ("normal_inverse_wishart", "EEE", ("concentration", 0.5)),
        ("hierarchical_wishart", "VVV", ("rate_concentration", 0.5)),  # g0 of their common rate
        ("hierarchical_wishart", "VVI", ("rate_concentration", 0.25)),
        ("half_t", "VVV", ("rate_concentration", 1.0)),  # nu of the mixing rates
        ("inverse_wishart", "VII", ("means_precision", 1.0)),  # of the means, which lie in a range of a few units
        ("normal_inverse_wishart", "VVI", ("kappa", 0.5)),
        ("inverse_wishart", "EII", ("weights", 0.5)),
    ],
)
def test_geweke_finds_a_planted_error(name, code, planted):
    """Half a unit or so too much in any number of the sweep fails it."""
    X = problem(code, n=30, n_features=2, n_components=2)[0]
    prior = PRIORS[name](X, code, weights_concentration=1.5)
    scores = geweke_scores(geweke(prior, code, 2, planted=planted), from_prior(prior, code, 2))
    assert scores.max() > 6, scores


def agree(one, other, least=400):
    """Posterior means of chains within 4.5 Monte Carlo standard errors, from more effective draws than ``least``."""
    return (differences(one, other) < 4.5).all() and fewest_draws(one, other) > least


def test_gibbs_and_nuts_agree_on_old_faithful(faithful_two):
    """Every relabelled parameter and label-free quantity; 21 comparisons at 4.5 standard errors: 2e-4 for a false alarm."""
    post = bg.fit_bayes(FAITHFUL, 2, engine="gibbs", seed=3, progress=False)
    assert bg.diagnose(post).components_trusted
    assert agree(label_free(post), label_free(faithful_two))
    one, other = (bg.relabel(p).draws for p in (post, faithful_two))
    orders = [np.argsort(d.means[0, 0, :, 0]) for d in (one, other)]
    for what in ("weights", "means", "covariances"):
        chains = [getattr(d, what)[:, :, order] for d, order in zip((one, other), orders, strict=True)]
        assert agree(*(values.reshape(*values.shape[:2], -1) for values in chains))
    shared = {"weights", "means", "covariances", "precisions", "precisions_rate"}
    assert shared <= set(post.tree["posterior"].data_vars)
    for name in shared:
        assert post.tree["posterior"][name].dims == faithful_two.tree["posterior"][name].dims


def test_gibbs_and_nuts_agree_where_a_component_is_loose():
    """A third component that the data do not pin down: of 2,000 draws 230 to 790 were effective with eight seeds."""
    X, fits = bg.load_dataset("acidity"), {}
    for engine in ("gibbs", "nuts"):
        fits[engine] = bg.fit_bayes(X, 3, "VII", engine=engine, draws=2000, seed=8, progress=False)
    assert agree(*map(label_free, fits.values()), least=100)


def test_lp_is_the_log_posterior():
    post = bg.fit_bayes(FAITHFUL, 2, seed=2, **SHORT)
    spec, nuisance = post.specification, post.tree["posterior"]["precisions_rate"].to_numpy()
    lp = post.tree["sample_stats"]["lp"].to_numpy()
    for chain, draw in [(0, 0), (0, -1), (1, 57), (1, -1)]:
        mixture = post.draws.mixture(chain, draw)
        prior = spec.log_prior(mixture, {"precisions_rate": nuisance[chain, draw]})
        assert lp[chain, draw] == pytest.approx(mixture.log_density(FAITHFUL).sum() + prior, rel=1e-10)


def test_same_seed_same_bits_for_any_number_of_cores():
    one, two, three = (bg.fit_bayes(FAITHFUL, 2, seed=seed, cores=cores, **SHORT) for seed, cores in ((7, 1), (7, 2), (8, 2)))
    for name in one.tree["posterior"].data_vars:
        np.testing.assert_array_equal(one.tree["posterior"][name], two.tree["posterior"][name])
    assert not np.array_equal(one.draws.means[0], one.draws.means[1])
    assert not np.array_equal(one.draws.means, three.draws.means)


def test_switched_labels_are_the_same_posterior():
    """With random places every component has the same marginals, and relabelling finds the components again."""
    plain = bg.fit_bayes(FAITHFUL, 2, seed=2, engine="gibbs", progress=False)
    switched = bg.fit_bayes(FAITHFUL, 2, seed=2, engine="gibbs", switch_labels=True, progress=False)
    first = switched.draws.means[:, :, 0, 0]
    assert (first > 3.2).mean() == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(first.size))
    assert agree(label_free(plain), label_free(switched))
    assert bg.diagnose(switched).components_trusted
    with pytest.raises(ValueError, match=r"switch_labels.*engine='gibbs'"):
        bg.fit_bayes(FAITHFUL, 2, engine="nuts", switch_labels=True)
    uneven = bg.Prior.weakly_informative(FAITHFUL, weights_concentration=[1.0, 2.0])
    with pytest.raises(ValueError, match=r"switch_labels.*same weights_concentration"):
        bg.fit_bayes(FAITHFUL, 2, prior=uneven, engine="gibbs", switch_labels=True)


def test_what_gibbs_cannot_draw_names_nuts():
    with pytest.raises(ValueError, match=r"'lkj'.*use engine='nuts'"):
        bg.fit_bayes(FAITHFUL, 2, prior=bg.Prior.weakly_informative(FAITHFUL, family="lkj"), engine="gibbs")


def test_chains_that_are_interrupted_are_cut_to_equal_length(monkeypatch):
    stop_second_chain(monkeypatch, gibbs.Chain, 80)
    with pytest.warns(PartialWarning):
        post = bg.fit_bayes(FAITHFUL, 2, seed=1, cores=1, **SHORT)
    assert (post.n_chains, post.n_draws) == (2, 120)
    assert post.tree["sample_stats"]["lp"].shape == (2, 120)
    assert np.isfinite(post.tree["sample_stats"]["lp"]).all()


def test_a_single_draw():
    post = bg.fit_bayes(FAITHFUL, 2, engine="gibbs", draws=1, tune=1, chains=1, progress=False)
    assert post.draws.means.shape == (1, 1, 2, 2)
    assert post.tree["sample_stats"]["lp"].shape == (1, 1)


@pytest.mark.parametrize(("n", "thin"), [(10, 30), (272, 30), (1000, 10), (2000, 5), (199_999, 5), (200_000, 1)])
def test_sweeps_for_a_draw_are_many_where_rows_are_few(n, thin):
    assert default_thin(n) == thin


def test_thinned_draws_are_some_of_all_draws():
    whole = bg.fit_bayes(FAITHFUL, 2, seed=4, thin=1, **SHORT | {"draws": 60, "tune": 40})
    thinned = bg.fit_bayes(FAITHFUL, 2, seed=4, thin=4, **SHORT | {"draws": 15, "tune": 10})
    for name in ("weights", "means", "covariances"):
        every_fourth = whole.tree["posterior"][name].to_numpy()[:, 3::4]
        np.testing.assert_array_equal(thinned.tree["posterior"][name], every_fourth)
    every_fourth = whole.tree["sample_stats"]["lp"].to_numpy()[:, 3::4]
    np.testing.assert_allclose(thinned.tree["sample_stats"]["lp"], every_fourth, rtol=1e-12)


@pytest.mark.parametrize("code", ["VVV", "EEI"])
@pytest.mark.parametrize("name", SEMI_CONJUGATE)
def test_data_far_from_zero_lose_nothing(name, code):
    """With 2^27 > 1e8 added exactly, the chain is the same but for the rounding of its means, which are as large.

    A row changes its component by that rounding with a probability of about 1e-8 a sweep: 4e-4 in all tests together.
    """
    X, _, truth = problem(code, n=80, n_features=2, n_components=2)
    X = np.round(X * 2**20) / 2**20
    settings = SHORT | {"draws": 20, "tune": 5, "seed": 6}
    near, far = (
        bg.fit_bayes(data, 2, code, PRIORS[name](data, code), warm_start=start, **settings)
        for data, start in ((X, truth), (X + 2.0**27, dataclasses.replace(truth, means=truth.means + 2.0**27)))
    )
    np.testing.assert_allclose(far.draws.means - 2.0**27, near.draws.means, atol=1e-5)
    np.testing.assert_allclose(far.draws.weights, near.draws.weights, rtol=1e-5)
    np.testing.assert_allclose(far.draws.covariances, near.draws.covariances, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(far.total_log_likelihood, near.total_log_likelihood, rtol=1e-5)
