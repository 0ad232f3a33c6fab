"""The signs for and against components: where the truth is known, and on data where it is agreed upon."""

import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm.labels import COMPARED, trust
from bayesgmm.labels.modes import is_multimodal
from tests.labels.test_methods import planted


def test_one_mode_and_two():
    rng = np.random.default_rng(0)
    one = [rng.standard_normal(1000), rng.random(1000), rng.gamma(2, size=1000), rng.standard_t(3, size=1000)]
    assert not any(map(is_multimodal, one))
    assert not is_multimodal(np.full(1000, 1e6))
    for share in (0.1, 0.5):
        for unit, shift in ((1.0, 0.0), (1e-9, 1e6), (1e100, 0.0)):
            two = rng.standard_normal(1000) + np.where(rng.random(1000) < share, 5.0, 0.0)
            assert is_multimodal(two * unit + (shift if unit >= 1 else 0.0))


def test_planted_components_are_trusted_and_shuffled_ones_are_not():
    X, clean, shuffled, scores = planted()
    good, bad = (trust(draws, X, scores, COMPARED) for draws in (clean, shuffled))
    assert not good.doubts
    assert all(share == 1.0 for share in good.agreement.values())
    assert good.mean_margin > 0.3
    assert "looks more like another one" in bad.doubts[0]
    assert any("two modes" in doubt for doubt in bad.doubts)
    assert min(bad.agreement.values()) < 0.5


def test_blurred_components_are_doubted():
    X, clean, _, scores = planted(separation=0.3)
    assert trust(clean, X, scores, COMPARED).mean_margin < 0.3


@pytest.mark.parametrize(("name", "n_components", "covariance", "believed"), [
    ("faithful", 2, "full", True),
    ("acidity", 2, "spherical", True),
    ("galaxies_26960", 6, "spherical", False),
])  # fmt: skip
def test_on_data(name, n_components, covariance, believed):
    X = bg.load_dataset(name)
    prior = bg.Prior.richardson_green(X) if X.shape[1] == 1 else None
    diagnosis = bg.diagnose(bg.fit_bayes(X, n_components, covariance, prior, seed=1, progress=False))
    assert diagnosis.converged
    assert diagnosis.components_trusted == believed
    assert bool(diagnosis.trust.doubts) != believed
