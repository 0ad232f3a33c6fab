"""Simulation-based calibration: truths from a prior, data from truths, and the ranks of truths among posterior draws."""

from dataclasses import asdict, astuple, dataclass
from zlib import crc32

import arviz as az
import numpy as np

import bayesgmm as bg
from bayesgmm.draws import Draws
from tests.calibration.quantities import CENTRE, RANGE, label_free
from tests.laws import PRIORS

SEED = 20_261_119
N_DRAWS = 99  # ranked among; 100 ranks make the central intervals of 50% and of 90% exact
LEAST_ESS = 250  # of all draws, so that the 99 among them are nearly independent; else a simulation is sampled again, longer
EFFORTS = (1, 6, 36)


@dataclass(frozen=True)
class Case:
    """An engine and a model that is calibrated."""

    engine: str
    prior: str
    structure: str
    n_components: int = 2
    n_features: int = 2
    n_observations: int = 25
    weights_concentration: float = 1.0

    def __str__(self):
        return "-".join(str(part) for part in astuple(self))

    @property
    def fields(self):
        """The case as columns of the table of results."""
        return asdict(self)

    def make_prior(self):
        """The prior, whose numbers no simulated data touch: it is built on two rows that lie as far apart as its ranges."""
        corners = np.array([CENTRE - RANGE / 2, CENTRE + RANGE / 2])[:, : self.n_features]
        if self.prior == "richardson_green":
            return bg.Prior.richardson_green(corners, self.weights_concentration)
        if self.prior == "mclust":
            corners = np.array([CENTRE + RANGE * row for row in [(-0.5, -0.2), (0.2, 0.5), (0.3, -0.3)]])
        return PRIORS[self.prior](corners, self.structure, weights_concentration=self.weights_concentration)

    def fit(self, X, prior, start, seed, effort):
        """990 draws in three chains; more effort is more sweeps or steps for each."""
        amount = {"draws": 330, "tune": 50, "thin": 10 * effort}
        if self.engine == "nuts":
            amount = {"draws": 330 * effort, "tune": 400}
        settings = {"chains": 3, "cores": 1, "warm_start": start, "seed": seed, "progress": False}
        return bg.fit_bayes(X, self.n_components, self.structure, prior, self.engine, **amount, **settings)


CASES = [
    Case("gibbs", "hierarchical_wishart", "VVV"),
    Case("gibbs", "hierarchical_wishart", "EEE"),
    Case("gibbs", "hierarchical_wishart", "VVI", n_components=3),
    Case("gibbs", "hierarchical_wishart", "VII", weights_concentration=0.5),
    Case("gibbs", "richardson_green", "VVV", n_components=3, n_features=1),
    Case("gibbs", "inverse_wishart", "VVV"),
    Case("gibbs", "inverse_wishart", "VVI", n_components=3, weights_concentration=2.0),
    Case("gibbs", "inverse_wishart", "EII"),
    Case("gibbs", "normal_inverse_wishart", "VVV"),
    Case("gibbs", "normal_inverse_wishart", "EEE", n_components=3),
    Case("gibbs", "normal_inverse_wishart", "VII"),
    Case("gibbs", "mclust", "EEI"),
    Case("gibbs", "half_t", "VVV"),
    Case("gibbs", "half_t", "EEE"),
    Case("gibbs", "half_t", "VVI", weights_concentration=2.0),
    Case("nuts", "hierarchical_wishart", "VVV"),
    Case("nuts", "half_t", "VVI"),
    Case("nuts", "normal_inverse_wishart", "EEE"),
    Case("nuts", "lkj", "VVV"),
]


@dataclass(frozen=True)
class Ranks:
    """What simulations found.

    Attributes
    ----------
    ranks : dict of str to ndarray of shape (n_simulations,)
        By quantity, from 0 to :data:`N_DRAWS`.
    least_ess : ndarray of shape (n_simulations,)
        Effective draws of the quantity that mixes worst, at the last effort.
    divergences : int
        In all kept draws of all simulations.
    """

    ranks: dict
    least_ess: np.ndarray
    divergences: int


def simulate(case, n_simulations, seed=SEED):
    """Ranks of every label-free quantity; a simulation whose chains mix badly is sampled again, longer, never left out.

    The first chain begins at the MAP found from a draw of the prior that has nothing to do with the truth, which costs a tenth of
    the usual ten starts; the others begin as always.
    """
    prior = case.make_prior()
    root = np.random.SeedSequence([seed, crc32(str(case).encode())])
    truths = prior.sample(n_simulations, case.n_components, case.structure, case.n_features, root)
    data = prior.sample_data(n_simulations, case.n_observations, case.n_components, case.structure, case.n_features, root)
    starts = prior.sample(n_simulations, case.n_components, case.structure, case.n_features, root.spawn(1)[0])
    ranks, least_ess, divergences = {}, np.empty(n_simulations), 0
    for s, ((X, _, mixture), truth, start) in enumerate(zip(data, truths, starts, strict=True)):
        one = Draws(*(part[None, None] for part in (mixture.weights, mixture.means, mixture.covariances)), mixture.structure)
        true = label_free(one, {name: value[None, None] for name, value in truth.nuisance.items()}, X)
        for effort in EFFORTS:
            post = case.fit(X, prior, start.mixture, seed=1000 * s + effort, effort=effort)
            nuisance = {name: post.tree["posterior"][name].to_numpy() for name in truth.nuisance}
            chains = label_free(post.draws, nuisance, X)
            least_ess[s] = min(float(az.ess(values)) for values in chains.values())
            if least_ess[s] >= LEAST_ESS:
                break
        step = post.n_chains * post.n_draws // N_DRAWS
        divergences += post.n_divergences
        for name, values in chains.items():
            below = (values[:, step - 1 :: step] < true[name]).sum()
            ranks.setdefault(name, np.empty(n_simulations, dtype=int))[s] = below
    return Ranks(ranks, least_ess, divergences)
