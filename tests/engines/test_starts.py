"""Where chains begin."""

import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm.collapse import FLAT_SHARE
from bayesgmm.engines import starts
from bayesgmm.engines.starts import StartWarning, chain_starts
from bayesgmm.observations import Observations
from bayesgmm.sources import Blocks
from bayesgmm.specification import Specification
from bayesgmm.streams import seed_sequence


def test_no_chain_begins_on_a_hyperplane():
    """29 irises have a petal of exactly 0.2 cm: from there a chain of this seed's third start never came back."""
    observations = Observations.from_data(bg.load_dataset("iris").drop(columns="species"))
    specification = Specification(3, "full", bg.Prior.weakly_informative(observations))
    for mixture, _ in chain_starts(observations, specification, None, 4, seed_sequence(0)):
        sizes = np.linalg.eigvals(np.linalg.solve(observations.covariance, mixture.covariances)).real
        assert sizes.min() > FLAT_SHARE


@pytest.mark.parametrize("is_stored", [False, True])
def test_chains_of_many_rows_begin_at_optima_of_different_ones(monkeypatch, is_stored):
    """Apart from each other by what a sample of the rows explains, and no farther from the highest."""
    monkeypatch.setattr(starts, "MANY_ROWS", 2000)
    X, _, _ = bg.simulate(4000, 3, 2, 6.0, seed=1)
    observations = Observations.from_data(Blocks(lambda: [X[:1500], X[1500:]]) if is_stored else X)
    specification = Specification(3, "full", bg.Prior.weakly_informative(observations))
    begun = [mixture for mixture, _ in chain_starts(observations, specification, None, 4, seed_sequence(0))]
    heights = np.array([mixture.log_density(X).sum() for mixture in begun])
    assert len(np.unique(heights)) == 4
    assert heights[0] == heights.max()
    assert np.ptp(heights) < 5 * specification.n_parameters(2)  # 4 times p / 2 on average


def test_no_chain_of_many_rows_begins_where_it_would_stay_for_ever(monkeypatch):
    """Two components share a group and one has two: EM does not come out of it, nor would a chain."""
    monkeypatch.setattr(starts, "MANY_ROWS", 2000)
    X, _, truth = bg.simulate(4000, 3, 2, 12.0, seed=1)
    means = truth.means[[0, 0, 1]] + np.array([[-0.5, 0.0], [0.5, 0.0], [0.0, 0.0]])
    means[2] = (truth.means[1] + truth.means[2]) / 2
    covariances = truth.covariances * np.array([0.5, 0.5, 20.0])[:, None, None]
    observations = Observations.from_data(X)
    specification = Specification(3, "full", bg.Prior.weakly_informative(observations))
    lower = bg.Mixture.from_parameters([0.2, 0.2, 0.6], means, covariances)
    with pytest.warns(StartWarning, match=r"counted from 0: 0\).*nats below the highest"):
        begun = chain_starts(observations, specification, lower, 3, seed_sequence(0))
    heights = [mixture.log_density(X).sum() for mixture, _ in begun]
    assert np.ptp(heights) < 5 * specification.n_parameters(2)
    assert len(np.unique(heights)) == 3
