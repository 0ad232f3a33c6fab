"""What the prior says before the data: mixtures drawn from it, and data sets drawn from these."""

import numpy as np
import xarray as xr

from bayesgmm.draws import Draws
from bayesgmm.posterior import Posterior, data_groups, require_posterior
from bayesgmm.prior import PriorDraw
from bayesgmm.specification import Specification
from bayesgmm.streams import Seed, Use, child, seed_sequence
from bayesgmm.table import default_names
from bayesgmm.validation import positive_integer

MOST_NUMBERS = 500_000_000  # in the data sets together: 4 GB


def prior_predictive(
    source: Posterior | Specification,
    n_observations: int | None = None,
    n_draws: int = 500,
    seed: Seed = 0,
    n_features: int | None = None,
) -> xr.DataTree:
    """Data sets as the prior expects them, for ``az.plot_ppc_dist(tree, group="prior_predictive")`` and its kin.

    Parameters
    ----------
    source : Posterior or Specification
        Whose prior it is. A posterior's data stand beside the draws.
    n_observations : int, optional
        Rows of each data set; None: as many as the posterior's data have. A specification has no data, so it needs a number.
    n_draws : int
        Data sets, each from a mixture of its own.
    seed : int, SeedSequence or Generator
        The mixtures and the data sets are those of :meth:`Prior.sample_data` with the same seed.
    n_features : int, optional
        d, for a specification whose prior serves any number of features.

    Returns
    -------
    xarray.DataTree
        Groups ``prior`` (weights, means, covariances), ``prior_predictive`` (``x``: chain, draw, observation, feature), all in
        the data's units and in one chain of independent draws, and ``observed_data`` where there are data.

    Raises
    ------
    TypeError
        If it is neither a posterior of a known number of components nor a specification.
    ValueError
        If a specification has no prior, or has noise or frozen parameters; or if a number that is needed is not given.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> spec = bg.Specification(2, "spherical", bg.Prior.inverse_wishart([0.0, 0.0], 5.0, 2.0, 1.0))
    >>> prior_predictive(spec, 100, n_draws=50)["prior_predictive"]["x"].shape
    (1, 50, 100, 2)
    """
    observations = None
    if isinstance(source, Specification):
        specification = source
    else:
        require_posterior(source)
        specification, observations = source.specification, source.observations
        n_features = observations.n_features
        n_observations = observations.n_observations if n_observations is None else n_observations
    if n_observations is None:
        raise ValueError("A specification has no data whose number of rows could be taken: give n_observations.")
    root = seed_sequence(seed)
    drawn = prior_draws(specification, n_draws, n_features, root)
    n = positive_integer(n_observations, "n_observations")
    if n * len(drawn) * drawn[0].mixture.n_features > MOST_NUMBERS:
        raise ValueError(
            f"{n_draws:,} data sets of {n:,} rows are more than {MOST_NUMBERS:,} numbers: ask for fewer rows, or for fewer "
            "data sets by n_draws."
        )
    x = np.stack([draw.mixture.sample(n, child(root, Use.PRIOR_DATA, s))[0] for s, draw in enumerate(drawn)])
    together = stacked(drawn)
    names = list(default_names(x.shape[-1]) if observations is None else observations.names)
    features = {"feature": names}
    both = ("chain", "draw")
    mixtures = {
        "weights": ((*both, "component"), together.weights),
        "means": ((*both, "component", "feature"), together.means),
        "covariances": ((*both, "component", "feature", "feature2"), together.covariances),
    }
    groups = {
        "prior": xr.Dataset(mixtures, coords=features | {"feature2": names}),
        "prior_predictive": xr.Dataset({"x": ((*both, "observation", "feature"), x[None])}, coords=features),
    }
    numbered = {dim: np.arange(size) for dim, size in zip(both, (1, len(x)), strict=True)}
    tree = xr.DataTree.from_dict({name: group.assign_coords(numbered) for name, group in groups.items()})
    if observations is not None:
        tree["observed_data"] = xr.DataTree(data_groups(observations)["observed_data"])
    return tree


def prior_draws(
    specification: Specification, n_draws: int, n_features: int | None, seed: np.random.SeedSequence
) -> list[PriorDraw]:
    """Mixtures from a specification's prior, if all of its parameters come from it."""
    for name in ("noise", "frozen"):
        if getattr(specification, name) is not None:
            raise ValueError(f"The prior cannot be drawn from with {name} in the specification: give one without.")
    prior = specification.required_prior
    return prior.sample(n_draws, specification.n_components, specification.covariance, n_features, seed)


def stacked(drawn: list[PriorDraw]) -> Draws:
    """Mixtures as the draws of one chain."""
    mixtures = [draw.mixture for draw in drawn]
    weights, means, covariances = (
        np.stack([getattr(mixture, name) for mixture in mixtures])[None] for name in ("weights", "means", "covariances")
    )
    return Draws(weights, means, covariances, mixtures[0].structure)
