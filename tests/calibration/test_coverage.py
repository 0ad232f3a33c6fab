"""Intervals of what is told of rows and of future data hold the truth as often as they say.

Truths are drawn from the prior and data from truths, so that an interval of 90% given the data covers with exactly that
probability, whatever the data: also where data sets are passed over for what they are (components that may not be believed), and
where the data say which row is looked at (the one that is least sure). Each data set gives one interval of each kind, so that the
number that cover is binomial. What is not exact: quantiles of some hundreds of effective draws stand for the posterior's, which
takes less than 0.01 from a coverage of 0.9; and the components of the truth are given the labels which suit the posterior best,
which only where they are trusted is no choice.
"""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.stats import binom

import bayesgmm as bg
from bayesgmm.membership import memberships
from bayesgmm.prediction import cdf as true_cdf
from bayesgmm.prediction import regression
from bayesgmm.predictive import cdf, conditional, density
from tests.calibration.ranks import band
from tests.calibration.results import PROPERTY, row
from tests.calibration.simulations import SEED

# The short chains of some data sets have not converged: to leave those out would be to choose by the outcome.
pytestmark = pytest.mark.filterwarnings("ignore::bayesgmm.posterior.UnconvergedWarning")

N_OBSERVATIONS, PROB = 60, 0.9
POINT = np.array([1.0, -1.0])
PRIOR = bg.Prior.inverse_wishart(0.0, 4.0, 3.0, 2.0 * np.eye(2), weights_concentration=3.0)
FALSE_ALARM = 1e-3  # for each kind of interval
QUICK = 40


def simulated(n_simulations, seed, draws):
    """Posteriors of data sets that came from the prior, and their truths. The first chain begins at another draw of the prior."""
    root = np.random.SeedSequence(seed)
    data, starts = (
        PRIOR.sample_data(n_simulations, N_OBSERVATIONS, 2, seed=root),
        PRIOR.sample(n_simulations, 2, seed=root.spawn(1)[0]),
    )
    settings = {"draws": draws, "tune": 100, "thin": 10, "chains": 3, "cores": 1, "progress": False}
    for s, ((X, _, truth), start) in enumerate(zip(data, starts, strict=True)):
        yield bg.fit_bayes(X, 2, prior=PRIOR, engine="gibbs", warm_start=start.mixture, seed=s, **settings), truth


def label_free(post, truth):
    """Whether intervals hold the truth, by kind."""
    x = POINT[:1]
    return {
        "density at a point": holds(density(post, POINT[None]), np.exp(truth.log_density(POINT[None]))),
        "density far out": holds(density(post, 6 * POINT[None], log=True), truth.log_density(6 * POINT[None])),
        "distribution function": holds(cdf(post, x, 0), true_cdf(truth.marginal([0]), x)),
        "regression function": holds(
            conditional(post, 0, x)[["mean_lower", "mean_upper"]].set_axis(["lower", "upper"], axis=1),
            regression(truth, 0, x).means,
        ),
    }


def holds(table, value):
    return bool(table["lower"].item() <= np.squeeze(value) <= table["upper"].item())


def responsibility(post, truth):
    """Whether the intervals of the row that is least sure and of the first row hold the truth; None without components."""
    if not post.diagnosis.components_trusted:
        return None
    found, X = memberships(post, prob=PROB), post.observations.values
    true = truth.responsibilities(X)
    order = linear_sum_assignment(found.mean.T @ true, maximize=True)[1]
    rows = {"responsibility, least sure row": found.most_ambiguous(1).index[0], "responsibility, first row": 0}
    return {name: bool(found.lower[i, 0] <= true[i, order[0]] <= found.upper[i, 0]) for name, i in rows.items()}


def counted(found):
    return {name: (len(found), sum(one[name] for one in found)) for name in found[0]}


@pytest.mark.calibration
def test_intervals_hold_the_truth_as_often_as_they_say(record_property):
    free, of_rows = [], []
    for post, truth in simulated(400, SEED, 330):
        free.append(label_free(post, truth))
        of_rows.append(responsibility(post, truth))
    of_rows = [one for one in of_rows if one is not None]
    assert len(of_rows) >= 100
    outside = []
    for name, (n, covered) in (counted(free) | counted(of_rows)).items():
        least, most = band(n, PROB, FALSE_ALARM)
        if not least <= covered <= most:
            outside.append(name)
        record_property(
            PROPERTY,
            row(
                check="coverage of posterior intervals",
                engine="gibbs",
                prior="inverse_wishart",
                structure="VVV",
                n_components=2,
                n_features=2,
                n_observations=N_OBSERVATIONS,
                weights_concentration=3.0,
                quantity=name,
                count=n,
                covered_90=covered / n,
                band_90=f"{least / n:.3f}..{most / n:.3f}",
                verdict="outside a band" if name in outside else "calibrated",
            ),
        )
    assert not outside


def test_bands_hold_the_truth_as_often_as_they_say():
    """40 data sets: 1e-3 for a false alarm in each of four kinds, the seed fixed; a coverage of 0.6 is found 9 times in 10."""
    least, most = band(QUICK, PROB, FALSE_ALARM)
    assert binom.cdf(least - 1, QUICK, 0.6) > 0.9
    for name, (n, covered) in counted([label_free(*one) for one in simulated(QUICK, SEED + 1, 100)]).items():
        assert least <= covered <= most, (name, covered, n)
