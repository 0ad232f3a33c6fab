"""Whatever is read from chains that have not converged comes with a warning, and what is read from others with none."""

import warnings

import pytest

import bayesgmm as bg
from bayesgmm import predictive
from bayesgmm.posterior import UnconvergedWarning

READ = {
    "density": lambda post: predictive.density(post, post.observations.values[:2]),
    "cdf": lambda post: predictive.cdf(post, [70.0], "waiting"),
    "conditional": lambda post: predictive.conditional(post, ["waiting"], [[70.0]], n_draws=8),
    "modes": lambda post: predictive.modes(post, n_draws=8),
    "posterior_predictive": lambda post: predictive.posterior_predictive(post, n_draws=8),
    "loo_pit": predictive.loo_pit,
    "draw_allocations": bg.draw_allocations,
    "similarity_matrix": lambda post: bg.similarity_matrix(post, rows=[0, 1]),
}


@pytest.fixture(scope="module")
def few(faithful):
    """Draws too few to have converged."""
    post = bg.fit_bayes(faithful.observations, 2, engine="gibbs", draws=40, tune=10, seed=3, progress=False)
    assert not post.diagnosis.converged
    return post


@pytest.mark.parametrize("name", READ)
def test_what_is_read_from_chains_that_have_not_converged_is_doubted(faithful, few, name):
    with pytest.warns(UnconvergedWarning, match=r"chains \(4 of 40 draws\) have not converged") as told:
        READ[name](few)
    assert [warning.filename for warning in told] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        READ[name](faithful)


@pytest.mark.parametrize("table", [bg.power_scaling, lambda post: bg.prior_beside_posterior(post, n_draws=200)])
def test_what_is_told_of_the_prior_begins_with_it(faithful, few, table):
    assert "have not converged" in table(few).attrs["verdict"][0]
    assert not any("converged" in sentence for sentence in table(faithful).attrs["verdict"])
