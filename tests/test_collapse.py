"""Heaped data, repeated rows and lone points: the honest optimum wins, and the spurious one is named."""

import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm import kernels
from bayesgmm.climb import Status
from bayesgmm.collapse import FLOOR, Yardstick
from bayesgmm.em import ConvergenceWarning
from bayesgmm.observations import Observations
from bayesgmm.validation import CORRELATION_ROUNDING, LARGEST
from tests.laws import PRIORS

FAITHFUL = bg.load_dataset("faithful")
WAITING = FAITHFUL[["waiting"]]


def collapsed(em):
    return [run for run in em.runs if run.status is Status.COLLAPSED]


def test_heaped_waiting_times():
    """15 waiting times are 78: a component started there shrinks onto them and is named; the honest fit wins."""
    honest = bg.fit_em(WAITING, 3, n_init=20)
    assert honest.converged
    assert np.sqrt(honest.mixture.covariances.min()) > 1.0  # the data are whole minutes
    with pytest.warns(ConvergenceWarning, match=r"Component 2 collapsed.*give a prior.*or use fewer components \(now 3\)"):
        spurious = bg.fit_em(WAITING, 3, start=narrow_start(78.0))
    assert np.isnan(spurious.bic)
    assert spurious.objective > honest.objective  # it would win, were it let


def narrow_start(centre):
    return bg.Mixture.from_parameters([0.35, 0.6, 0.05], [[55.0], [80.0], [centre]], [[[35.0]], [[35.0]], [[1e-3]]])


def test_a_heap_under_every_prior():
    """Under a prior such a start ends inside, or is named as collapsed; the fit from the usual starts never collapses."""
    for name, make_prior in PRIORS.items():
        prior = make_prior(WAITING, "VVV")
        em = bg.fit_em(WAITING, 3, prior=prior)
        assert em.converged, name
        assert np.sqrt(em.mixture.covariances.min()) > 0.5, name


@pytest.mark.parametrize("family", ["inverse_wishart", "normal_inverse_wishart"])
def test_the_inverse_wishart_has_no_spurious_optimum(family):
    prior = bg.Prior.weakly_informative(WAITING, family=family)
    em = bg.fit_em(WAITING, 3, prior=prior, start=narrow_start(78.0))
    assert em.converged
    assert em.objective <= bg.fit_em(WAITING, 3, prior=prior).objective + 1e-6
    assert np.sqrt(em.mixture.covariances.min()) > 1.0


def test_repeated_rows():
    """Forty equal rows among honest groups: the likelihood has no bound there, whatever the structure of its own matrices."""
    X, _, _ = bg.simulate(200, 2, 2, separation=5.0, seed=1)
    repeated = np.r_[X, np.repeat(X[:1], 40, axis=0)]
    for code in ("VVV", "VVI", "VII"):
        em = bg.fit_em(repeated, 3, code, n_init=20)
        assert collapsed(em)
        assert "collapsed" in collapsed(em)[0].detail
        if em.converged:
            assert np.linalg.eigvalsh(em.mixture.covariances).min() > 1e-3
    shared = bg.fit_em(repeated, 3, "EEE")
    assert shared.converged
    held = bg.fit_em(repeated, 3, prior=bg.Prior.weakly_informative(repeated, family="inverse_wishart"))
    assert held.converged


def test_a_component_on_one_point():
    """An outlier: EM without a prior names the component that sits on it; the honest fit with two components wins from others."""
    X = np.r_[bg.simulate(150, 2, 1, separation=6.0, seed=2)[0], [[60.0]]]
    start = np.r_[(X[:-1, 0] > np.median(X[:-1, 0])).astype(int), 2]
    with pytest.raises(ValueError, match="labels in start give no proper covariances"):
        bg.fit_em(X, 3, start=start)
    with pytest.warns(ConvergenceWarning, match="Component 2 collapsed: it holds"):
        bg.fit_em(X, 3, start=bg.Mixture.from_parameters([0.49, 0.49, 0.02], [[-3], [3], [60.0]], np.ones((3, 1, 1))))
    held = bg.fit_em(X, 3, prior=bg.Prior.weakly_informative(X))
    assert held.converged


def test_bounds_of_eigenvalues_let_no_collapse_through():
    """Where the cheap bounds say that all is round, eigenvalues say so too; and they do say so for round ones."""
    rng = np.random.default_rng(0)
    cleared = 0
    for _ in range(1000):
        d = int(rng.integers(1, 6))
        X = rng.standard_normal((50, d)) @ rng.standard_normal((d, d)) * 10.0 ** rng.integers(-3, 3, d)
        yardstick = Yardstick.of(Observations.from_data(X))
        roots = rng.standard_normal((3, d, d)) * 10.0 ** rng.uniform(-6, 0, (3, 1, d))
        relative, few = roots @ np.swapaxes(roots, 1, 2), rng.random(3) < 0.5
        inverse, log_determinant = np.linalg.inv(yardstick.relative), np.linalg.slogdet(yardstick.relative)[1]
        bounds = inverse, log_determinant, FLOOR, CORRELATION_ROUNDING * d, 1e-8, 1e-4
        covariances = relative * np.outer(yardstick.ranges, yardstick.ranges)
        if kernels.are_round(covariances, yardstick.ranges, LARGEST, *bounds, few):
            cleared += 1
            assert yardstick._reason(relative, np.where(few, 1e-4, 1e-8)) == ""
        assert kernels.are_round(yardstick.relative[None], np.ones(d), LARGEST, *bounds, few[:1])
        assert not kernels.are_round(np.full((1, d, d), np.nan), np.ones(d), LARGEST, *bounds, few[:1])
        assert not kernels.are_round(-np.eye(d)[None], np.ones(d), LARGEST, *bounds, few[:1])
    assert cleared > 20
