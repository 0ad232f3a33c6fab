"""The normal approximation: where it is right, where it says that it is not, and that it is at a mode."""

import arviz as az
import numpy as np
import pytest
import xarray as xr
from scipy.special import logsumexp, multigammaln

import bayesgmm as bg
from bayesgmm import criteria
from bayesgmm.coordinates import Target
from bayesgmm.engines import engines_for, laplace
from bayesgmm.engines.laplace import found_modes
from bayesgmm.engines.laplace.importance import corrected, most_k, normals
from bayesgmm.engines.starts import chain_starts
from bayesgmm.interruption import PartialWarning
from bayesgmm.observations import Observations
from tests.laws import BAYESIAN, PRIORS, problem

FAITHFUL = bg.load_dataset("faithful")
OF_PRECISIONS = [name for name in PRIORS if "lkj" not in name]
COVERING = [
    ("hierarchical_wishart", "VVV"), ("hierarchical_wishart", "EII"), ("inverse_wishart", "VVI"),
    ("normal_inverse_wishart", "EEE"), ("half_t", "VVV"), ("half_t", "EEI"), ("mclust", "VII"),
]  # fmt: skip


def fit(X, n_components, covariance="full", prior=None, **keywords):
    return bg.fit_bayes(X, n_components, covariance, prior, engine="laplace", progress=False, **keywords)


@pytest.fixture(scope="module")
def faithful():
    return fit(FAITHFUL, 2, seed=3)


@pytest.fixture(scope="module")
def faithful_by_gibbs():
    return bg.fit_bayes(FAITHFUL, 2, engine="gibbs", draws=2000, seed=4, progress=False)


def modes_of(name, code, n_components=2, n_features=2, n=60, units=1.0, shift=0.0):
    X = units * problem(code, n=n, n_features=n_features, n_components=2)[0] + shift
    return modes_at(X, n_components, code, PRIORS[name](X, code), 2)


def modes_at(X, n_components, code, prior=None, chains=4):
    """The target, and what climbs from the starts of as many chains find."""
    observations, prior = Observations.from_data(X), prior or bg.Prior.weakly_informative(X, code)
    target = Target(bg.Specification(n_components, code, prior), observations)
    return target, found_modes(target, chain_starts(observations, target.specification, None, chains, np.random.SeedSequence(0)))


def test_it_agrees_with_gibbs_where_components_are_separate():
    """Means within 0.06 posterior sds and sds within 6%: of 26 parameters by 8,000 draws of Gibbs, 1e-5 for a false alarm."""
    X = bg.simulate(2000, 3, 2, 6.0, seed=1)[0]
    one = fit(X, 3, seed=1)
    other = bg.fit_bayes(X, 3, engine="gibbs", thin=1, draws=2000, tune=200, progress=False)
    assert float(az.rhat(other.total_log_likelihood)) < 1.01  # no chain of it has stayed in a lower mode
    assert bg.diagnose(one).components_trusted
    ours, theirs = (np.stack(list(bg.relabel(post).draws.quantities("ab").values())) for post in (one, other))
    sd = theirs.std(axis=(1, 2))
    assert (np.abs(ours.mean(axis=(1, 2)) - theirs.mean(axis=(1, 2))) < 0.06 * sd).all()
    assert (np.abs(ours.std(axis=(1, 2)) / sd - 1) < 0.06).all()


def test_variables_are_those_of_gibbs_the_nuisance_among_them(faithful, faithful_by_gibbs):
    """Means of the logs of the common rate's diagonal within 5 standard errors, sds within 10%: of 2,000 effective draws."""
    one, other = (post.tree["posterior"] for post in (faithful, faithful_by_gibbs))
    shapes = [{name: (each.dims, each.shape[2:]) for name, each in group.items()} for group in (one, other)]
    assert shapes[0] == shapes[1]
    ours, theirs = (np.log(group["precisions_rate"].to_numpy()[..., [0, 1], [0, 1]]) for group in (one, other))
    sd = theirs.std(axis=(0, 1))
    assert (np.abs(ours.mean(axis=(0, 1)) - theirs.mean(axis=(0, 1))) < 5 * sd / np.sqrt(1000)).all()
    assert (np.abs(ours.std(axis=(0, 1)) / sd - 1) < 0.1).all()


@pytest.mark.parametrize("code", BAYESIAN)
@pytest.mark.parametrize("name", ["hierarchical_wishart", "half_t"])
def test_nuisance_variables_are_drawn_about_their_means(name, code):
    """Whose formula the gradient has tested: within 5 standard errors; at most 3 numbers in 12 cases, 2e-5 for a false alarm."""
    X, _, truth = problem(code, n_features=3)
    part, rng = PRIORS[name](X, code).covariances, np.random.default_rng(1)
    many = np.broadcast_to(truth.covariances, (4000, *truth.covariances.shape))
    (mean,) = part.nuisance_mean(truth.structure, truth.covariances).values()
    (drawn,) = part.sample_nuisance_given(truth.structure, many, rng).values()
    assert drawn.shape == (4000, *mean.shape)
    assert (np.abs(drawn.mean(axis=0) - mean) < 5 * drawn.std(axis=0) / np.sqrt(4000)).all()


@pytest.mark.parametrize("d", [1, 2, 4])
def test_one_component_under_the_conjugate_prior_has_closed_forms(d):
    """The evidence by the mean weight, and moments after the correction; before it they are wrong, as 25 rows make them."""
    X = problem("VVV", n=25, n_features=d, n_components=1)[0]
    location, kappa, c = X.mean(axis=0) + 0.3, 0.7, (d + 3) / 2
    rate = np.diag(X.var(axis=0)) / 2 + 0.05
    post = fit(X, 1, prior=bg.Prior.normal_inverse_wishart(location, kappa, c, rate), draws=2000, seed=2)
    n, centre = len(X), X.mean(axis=0)
    shift = (centre - location)[:, None]
    scatter = (X - centre).T @ (X - centre) + kappa * n / (kappa + n) * shift @ shift.T
    evidence = (
        -0.5 * n * d * np.log(np.pi)
        + multigammaln(c + n / 2, d)
        - multigammaln(c, d)
        + c * np.linalg.slogdet(2 * rate)[1]
        - (c + n / 2) * np.linalg.slogdet(2 * rate + scatter)[1]
        + 0.5 * d * (np.log(kappa) - np.log(kappa + n))
    )
    proposal = post.tree["proposal"]
    log_ratios = (proposal["log_p"] - proposal["log_g"]).to_numpy().ravel()
    error = np.exp(log_ratios - log_ratios.max()).std() / np.exp(log_ratios - log_ratios.max()).mean() / np.sqrt(log_ratios.size)
    assert logsumexp(log_ratios) - np.log(log_ratios.size) == pytest.approx(evidence, abs=5 * error)
    assert error < 0.04
    mean = c + n / 2, rate + scatter / 2  # of W(c, C): c C^-1
    precision = mean[0] * np.linalg.inv(mean[1])
    draws = post.tree["posterior"]["precisions"].to_numpy()[:, :, 0].reshape(-1, d, d)
    closed = (kappa * location + n * centre) / (kappa + n)
    spread = draws.std(axis=0) / np.sqrt(1000)  # the smallest effective number of draws is above
    assert (np.abs(draws.mean(axis=0) - precision) < 4 * spread).all()
    means = post.draws.means.reshape(-1, d)
    assert (np.abs(means.mean(axis=0) - closed) < 4 * means.std(axis=0) / np.sqrt(1000)).all()
    within = (mean[1] / (mean[0] - (d + 1) / 2) / (kappa + n)).diagonal()
    assert means.std(axis=0) == pytest.approx(np.sqrt(within), rel=0.1)
    target = Target(post.specification, post.observations)
    raw = target.coordinates.draws(target.coordinates.points_of(proposal["coordinates"].to_numpy().reshape(log_ratios.size, -1)))
    uncorrected = np.linalg.inv(raw.covariances[0, :, 0])
    assert (np.abs(uncorrected.mean(axis=0) - precision) > 3 * spread).diagonal().any()


@pytest.mark.parametrize(("rows", "n_components"), [(None, 4), (40, 3)])
def test_where_components_overlap_it_says_not_to_believe_it(rows, n_components):
    post = fit(FAITHFUL[:rows], n_components, seed=1)
    diagnosis = bg.diagnose(post)
    assert post.tree["sample_stats"]["pareto_k"] >= 0.7
    assert not diagnosis.converged
    assert not diagnosis.components_trusted
    assert diagnosis.verdict[0].startswith("No: the Laplace approximation is not to be believed")
    assert "engine='gibbs'" in diagnosis.verdict[0]
    with pytest.warns(bg.posterior.UnresolvedLabelsWarning, match="not to be believed"):
        assert "weights[0]" not in post.summary().index


def test_other_modes_are_seen_where_starts_lead_to_them():
    """Four clusters, alike from both sides, and two components: the left and the right one, or the upper and the lower one."""
    corners = 8.0 * np.array([[0, 0], [1, 1], [0, 1]])
    X = np.concatenate([corner + np.random.default_rng(0).standard_normal((15, 2)) for corner in corners])
    target, modes = modes_at(np.concatenate([X, X[:, ::-1]]), 2, "VVI", chains=4)
    assert len(modes) == 2
    assert modes[0].log_mass == pytest.approx(modes[1].log_mass, abs=1e-2)
    apart = [np.abs(np.diff(target.mixture(mode.location).means, axis=0)).argmax() for mode in modes]
    assert sorted(apart) == [0, 1]
    post = fit(np.concatenate([X, X[:, ::-1]]), 2, "VVI", seed=0)
    sentence = (
        "No: the Laplace approximation is not to be believed, for it sees one mode, and others that starts led to have about 50%"
    )
    assert bg.diagnose(post).verdict[0].startswith(sentence)
    assert not bg.diagnose(post).converged


def test_a_density_that_climbs_find_no_bound_of_is_told():
    """Fifty rows that are equal: a spike of the posterior, which no sampler finds."""
    X = np.concatenate([np.random.default_rng(0).standard_normal((50, 2)), np.tile([[9.0, 9.0]], (50, 1))])
    with pytest.raises(ValueError, match=r"no mode.*Component \d collapsed.*family='inverse_wishart'"):
        fit(X, 2, chains=1)
    inverse_wishart = bg.Prior.weakly_informative(X, family="inverse_wishart")
    assert np.isfinite(fit(X, 2, prior=inverse_wishart, draws=100).draws.covariances).all()


def test_few_draws_are_not_enough_to_tell():
    post = fit(FAITHFUL, 2, draws=10, chains=2)
    assert bg.diagnose(post).verdict[0].startswith("No: 20 draws are too few to tell how near to normal")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        pytest.param(name, code, marks=() if (name, code) in COVERING else pytest.mark.grid)
        for name in OF_PRECISIONS
        for code in BAYESIAN
    ],
)
@pytest.mark.parametrize("sizes", [(1, 1), (2, 2), (2, 3)])
def test_the_mode_is_one_and_the_curvature_is_its_own(name, code, sizes):
    """The gradient is zero there, no step gains, and half a standard deviation along an axis costs an eighth, but for a skew."""
    target, (mode, *_) = modes_of(name, code, *sizes)
    height, gradient = target.log_density_and_gradient(mode.location)
    assert height == pytest.approx(mode.height, abs=1e-9)
    assert np.abs(gradient @ mode.root).max() < 1e-4
    rng = np.random.default_rng(0)
    for direction in rng.standard_normal((20, len(mode.location))):
        step = 0.01 * mode.root @ (direction / np.linalg.norm(direction))
        ahead, behind = (target.log_density_and_gradient(mode.location + sign * step)[0] for sign in (1, -1))
        assert max(ahead, behind) < height
        assert 0.5 * (ahead + behind) - height == pytest.approx(-0.5e-4, rel=1e-2)


@pytest.mark.parametrize(("name", "code"), COVERING)
@pytest.mark.parametrize(("units", "shift"), [(1e-8, 0.0), (1e8, 0.0), (1.0, 1e6)])
def test_it_has_no_units(name, code, units, shift):
    target, (before, *_) = modes_of(name, code)
    other, (after, *_) = modes_of(name, code, units=units, shift=shift)
    standard = normals(50, len(before.location), np.random.default_rng(0))
    flats = [mode.location + standard @ mode.root.T for mode in (before, after)]
    one, two = (t.coordinates.draws(t.coordinates.points_of(flat)) for t, flat in zip((target, other), flats, strict=True))
    np.testing.assert_allclose(two.weights, one.weights, rtol=1e-4)
    np.testing.assert_allclose((two.means - shift) / units, one.means, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(two.covariances / units**2, one.covariances, rtol=1e-3, atol=1e-4)
    ratios = [sum(t.log_likelihood_and_prior(flat)) for t, flat in zip((target, other), flats, strict=True)]
    np.testing.assert_allclose(ratios[1] - ratios[1][0], ratios[0] - ratios[0][0], atol=1e-2)


def test_same_seed_same_bits_for_any_number_of_cores_and_threads(monkeypatch):
    X = bg.simulate(100_000, 2, 2, 5.0, seed=1)[0]
    fits = []
    for threads, cores, seed in (("1", 1, 7), ("3", 2, 7), ("3", 2, 8)):
        monkeypatch.setenv("BAYESGMM_THREADS", threads)
        fits.append(fit(X, 2, draws=50, chains=2, cores=cores, seed=seed))
    one, two, three = (post.tree for post in fits)
    for group in ("posterior", "sample_stats", "proposal"):
        xr.testing.assert_identical(one[group].to_dataset(), two[group].to_dataset())
    assert not np.array_equal(one["posterior"]["means"], three["posterior"]["means"])
    assert not np.array_equal(one["posterior"]["means"][0], one["posterior"]["means"][1])


def test_ctrl_c_leaves_the_draws_that_are_weighed(monkeypatch):
    whole, calls = Target.log_likelihood_and_prior, iter(range(10))

    def interrupted(self, flat):
        if next(calls) == 3:
            raise KeyboardInterrupt
        return whole(self, flat)

    monkeypatch.setattr(Target, "log_likelihood_and_prior", interrupted)
    monkeypatch.setattr(laplace, "CHUNK_VALUES", 40 * 2 * len(FAITHFUL))
    with pytest.warns(PartialWarning):
        post = fit(FAITHFUL, 2, seed=1, chains=2)
    assert (post.n_chains, post.n_draws, post.partial) == (2, 120, True)
    monkeypatch.setattr(Target, "log_likelihood_and_prior", whole)
    again = fit(FAITHFUL, 2, seed=1, chains=2)
    np.testing.assert_array_equal(again.tree["proposal"]["log_p"][:, :120], post.tree["proposal"]["log_p"])


def test_loo_is_by_the_draws_before_they_were_resampled(faithful, faithful_by_gibbs, monkeypatch):
    found, other = bg.loo(faithful), bg.loo(faithful_by_gibbs)
    assert found.approx_posterior
    np.testing.assert_allclose(found.elpd_i, other.elpd_i, atol=0.1)
    assert found.elpd == pytest.approx(other.elpd, abs=0.3)
    assert found.p == pytest.approx(other.p, abs=0.5)
    proposal, target = faithful.tree["proposal"], Target(faithful.specification, faithful.observations)
    flat = proposal["coordinates"].to_numpy().reshape(4000, -1)
    log_density = target.coordinates.draws(target.coordinates.points_of(flat)).log_density(FAITHFUL.to_numpy())
    group = xr.Dataset({"x": (("chain", "draw", "observation"), log_density.reshape(4, 1000, -1))})
    by_hand = az.loo_approximate_posterior(
        xr.DataTree.from_dict({"log_likelihood": group}), proposal["log_p"], proposal["log_g"], pointwise=True
    )
    np.testing.assert_allclose(found.elpd_i, by_hand.elpd_i, rtol=1e-8)
    monkeypatch.setattr(criteria, "BLOCK_VALUES", 4000 * 50)
    in_blocks = bg.loo(faithful)
    np.testing.assert_allclose(in_blocks.elpd_i, found.elpd_i, rtol=1e-8)
    assert (in_blocks.n_data_points, in_blocks.n_samples) == (272, 4000)
    assert in_blocks.se == pytest.approx(found.se)


def test_what_is_told_belongs_to_the_draws(faithful):
    """Each draw is a copy of one of the proposals, with its densities."""
    stats, proposal = faithful.tree["sample_stats"], faithful.tree["proposal"]
    places = stats["copy_of"].to_numpy()
    np.testing.assert_array_equal(stats["lp"], proposal["log_p"].to_numpy().ravel()[places])
    target = Target(faithful.specification, faithful.observations)
    flat = target.coordinates.flat(target.coordinates.points(faithful.draws))
    np.testing.assert_allclose(flat, proposal["coordinates"].to_numpy().reshape(4000, -1)[places.ravel()], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(faithful.total_log_likelihood, faithful.draws.log_likelihood(FAITHFUL.to_numpy()), rtol=1e-10)


def test_it_is_an_ordinary_posterior(faithful, tmp_path):
    faithful.save(tmp_path / "fit.nc")
    again = bg.load(tmp_path / "fit.nc")
    xr.testing.assert_identical(again.tree["proposal"].to_dataset(), faithful.tree["proposal"].to_dataset())
    assert bg.diagnose(again).verdict == bg.diagnose(faithful).verdict
    assert "Pareto k" in bg.diagnose(faithful).verdict[1]
    assert bg.loo(again).elpd == bg.loo(faithful).elpd
    back = bg.relabel(faithful).as_drawn()
    xr.testing.assert_identical(back.tree["posterior"].to_dataset(), faithful.tree["posterior"].to_dataset())


def test_effective_sample_sizes_count_copies_about_once():
    """Copies stand together, so that the chains' own ESS falls with that of the weights: within a factor of 2."""
    rng = np.random.default_rng(0)
    for sigma in (0.5, 1.0, 1.5):
        proposed, log_ratios = rng.standard_normal((4, 1000)), sigma * rng.standard_normal((4, 1000))
        weighed = corrected(log_ratios, rng)
        of_chains = float(az.ess(proposed.ravel()[weighed.order], method="mean"))
        assert 0.5 < of_chains / weighed.n_effective < 2


def test_each_draw_has_as_many_copies_as_its_weight_says():
    rng = np.random.default_rng(1)
    log_ratios = rng.standard_normal((2, 500))
    weighed = corrected(log_ratios, rng)
    assert weighed.order.shape == (2, 500)
    assert (np.diff(weighed.order.ravel()) >= 0).all()
    weights = np.exp(log_ratios.ravel() - logsumexp(log_ratios))
    small = weights < np.quantile(weights, 0.8)  # that smoothing leaves as they are, but for the sum
    copies = np.bincount(weighed.order.ravel(), minlength=1000)
    assert (np.abs(copies - 1000 * weights) < 1.1)[small].all()
    assert copies.sum() == 1000
    equal = corrected(np.zeros((2, 500)), rng)
    np.testing.assert_array_equal(equal.order.ravel(), np.arange(1000))
    assert equal.n_effective == pytest.approx(1000)


def test_the_bound_on_k_is_that_of_the_paper():
    assert most_k(4000) == 0.7
    assert most_k(1000) == pytest.approx(2 / 3)


def test_normals_are_normal():
    """Each of its own law: of 400 scrambles the first numbers have mean 0 and variance 1 within 4.5 standard errors."""
    first = np.array([normals(5, 3, np.random.default_rng(seed))[0] for seed in range(400)])
    assert (np.abs(first.mean(axis=0)) < 4.5 / 20).all()
    assert (np.abs(first.var(axis=0) - 1) < 4.5 * np.sqrt(2) / 20).all()
    many = normals(1000, 30, np.random.default_rng(0))
    assert (np.abs(many.mean(axis=0)) < 0.01).all()  # 0.03 would be the error of independent ones


def test_auto_is_no_approximation():
    specification = bg.Specification(2, "VVV", bg.Prior.weakly_informative(FAITHFUL))
    assert "laplace" not in engines_for(specification)
    assert bg.fit_bayes(FAITHFUL, 2, draws=5, tune=5, progress=False).settings["engine"] == "gibbs"


def test_what_it_does_not_take_is_refused():
    with pytest.raises(ValueError, match=r"no derivatives.*'lkj'.*use engine='nuts'"):
        fit(FAITHFUL, 2, prior=bg.Prior.weakly_informative(FAITHFUL, family="lkj"))
    with pytest.raises(ValueError, match=r"switch_labels.*engine='gibbs'"):
        fit(FAITHFUL, 2, switch_labels=True)
    with pytest.raises(ValueError, match="VEV"):
        fit(FAITHFUL, 2, "VEV")
    weighted = Observations.from_data(FAITHFUL, sample_weight=np.arange(1, 273))
    with pytest.raises(ValueError, match="Laplace does not take row weights"):
        fit(weighted, 2)
