import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm.diagnostics import judge
from bayesgmm.posterior import _permuted


def test_old_faithful_two_components_may_be_believed(faithful_two):
    d = bg.diagnose(faithful_two)
    assert (d.relabelled["r_hat"] <= 1.01).all()
    assert (d.relabelled["ess_bulk"] >= 1000).all()
    assert d.n_divergences == 0
    assert d.converged
    assert d.components_trusted
    assert d.verdict[0].startswith("Yes")


def test_old_faithful_three_components_may_not(faithful_three):
    d = bg.diagnose(faithful_three)
    assert not d.components_trusted
    assert not d.verdict[0].startswith("Yes")


def test_switching_alone_does_not_alarm(faithful_two):
    """Two chains number the components otherwise: raw R-hat is bad, which is explained, and the diagnosis is the same."""
    shuffle = np.broadcast_to([0, 1], (4, 1000, 2)).copy()
    shuffle[2:] = [1, 0]
    shuffled = bg.Posterior(_permuted(faithful_two.tree, shuffle), faithful_two.specification, faithful_two.observations)
    judged = bg.diagnose(shuffled)
    assert judged.components_trusted
    assert any("switching of labels alone" in sentence for sentence in judged.verdict)
    assert judged.raw["r_hat"].max() > 1.5
    assert judged.raw.loc["means[0, waiting]", "sd"] > 10 > judged.relabelled.loc["means[0, waiting]", "sd"]
    for column in ("mean", "r_hat"):
        np.testing.assert_allclose(bg.diagnose(shuffled).label_free[column], bg.diagnose(faithful_two).label_free[column])


def judged(post, draws=None, log_likelihood=None, n_divergences=0):
    return judge(
        draws or bg.relabel(post).draws,
        np.broadcast_to(np.arange(post.n_components), post.draws.weights.shape),
        post.observations.values,
        post.observations.names,
        post.total_log_likelihood if log_likelihood is None else log_likelihood,
        n_divergences,
    )


def test_divergences_deny_convergence(faithful_two):
    assert not judged(faithful_two, n_divergences=5).converged
    few = judged(faithful_two, n_divergences=4)
    assert few.converged
    assert any("4 of 4000 transitions diverged" in sentence for sentence in few.verdict)


def test_chains_in_different_places_deny_convergence(faithful_two):
    moved = faithful_two.total_log_likelihood + np.array([0.0, 0.0, 0.0, 10.0])[:, None]
    d = judged(faithful_two, log_likelihood=moved)
    assert not d.converged
    assert "NOT mixed" in d.verdict[1]


def test_one_chain_cannot_show_convergence(faithful_two):
    one = bg.Posterior(faithful_two.tree.isel(chain=[0]), faithful_two.specification, faithful_two.observations)
    d = bg.diagnose(one)
    assert not d.converged
    assert any("One chain" in sentence for sentence in d.verdict)


def test_wrong_labels_deny_the_components(faithful_two):
    draws = bg.relabel(faithful_two).draws
    wrong = np.broadcast_to([0, 1], (4, 1000, 2)).copy()
    wrong[:, ::50] = [1, 0]  # one draw in fifty switched
    d = judged(faithful_two, draws=draws.permuted(wrong))
    assert d.converged
    assert not d.components_trusted
    assert d.trust.misplaced_rate == pytest.approx(0.02)
    assert d.trust.non_permutation_rate == 0.0


def test_one_component_in_one_dimension(eruptions_one):
    d = bg.diagnose(eruptions_one)
    assert d.components_trusted
    assert list(d.relabelled.index) == ["means[0, eruptions]", "covariances[0, eruptions, eruptions]"]
