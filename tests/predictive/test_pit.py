"""Leave-one-out transforms beside refits, and their law where the model is right and where it is wrong."""

import numpy as np
import pytest
from scipy.stats import kstest

import bayesgmm as bg
from bayesgmm.predictive import cdf, loo_pit

pytestmark = pytest.mark.filterwarnings("ignore::bayesgmm.posterior.UnconvergedWarning")  # of draws by hand, or few of them


def test_against_exact_leave_one_out():
    """Twenty rows, eight left out in turn under the same prior; the error of a transform is about 0.0025."""
    X = bg.load_dataset("faithful").to_numpy(dtype=float)[:20]
    prior = bg.Prior.weakly_informative(X)
    post = bg.fit_bayes(X, 2, prior=prior, engine="gibbs", draws=2000, thin=5, seed=3, progress=False)
    found = loo_pit(post)
    loo = bg.loo(post)
    assert found.attrs["n_unreliable"] == (loo.pareto_k > loo.good_k).sum()
    exact, within = np.empty((8, 2)), np.empty((8, 2))
    for i in range(8):
        rest = bg.fit_bayes(np.delete(X, i, axis=0), 2, prior=prior, engine="gibbs", thin=5, seed=i, progress=False)
        for j in range(2):
            exact[i, j] = cdf(rest, X[i, j], j)["mean"].item()
            within[i, j] = cdf(post, X[i, j], j)["mean"].item()
    reliable = (loo.pareto_k <= loo.good_k).to_numpy()[:8]
    assert reliable.sum() >= 6
    np.testing.assert_allclose(found[:8][reliable], exact[reliable], atol=0.01)
    assert np.abs(within - exact).max() > 0.014  # what leaving out does can be seen


def test_uniform_where_the_model_is_right_and_not_where_it_is_wrong():
    """Kolmogorov-Smirnov at 1 in 1000; transforms of rows that share a fit lie closer to uniform than independent ones."""
    X, _, _ = bg.simulate(400, 2, 2, 6.0, seed=7)
    right, wrong = (loo_pit(bg.fit_bayes(X, k, engine="gibbs", draws=300, tune=100, thin=2, progress=False)) for k in (2, 1))
    assert right.shape == (400, 2)
    assert all(kstest(right[name], "uniform").pvalue > 1e-3 for name in right)
    assert min(kstest(wrong[name], "uniform").pvalue for name in wrong) < 1e-6


def test_where_the_log_likelihood_is_not_kept(handmade, monkeypatch):
    kept = loo_pit(handmade)
    assert list(kept.columns) == ["x1", "x2", "x3", "x4"]
    bare = handmade.tree.copy()
    del bare["log_likelihood"]
    post = bg.Posterior(bare, handmade.specification, handmade.observations)
    monkeypatch.setattr("bayesgmm.draws.BLOCK_VALUES", 7 * 60 * 4)
    blocked = loo_pit(post)
    np.testing.assert_allclose(blocked, kept, rtol=1e-9)
    assert blocked.attrs == kept.attrs


def test_relabelling_changes_nothing(faithful):
    np.testing.assert_allclose(loo_pit(bg.relabel(faithful)), loo_pit(faithful), rtol=1e-7)


def test_a_known_number_is_needed(unknown):
    with pytest.raises(TypeError, match=r"take .given\(n_components\)"):
        loo_pit(unknown)
