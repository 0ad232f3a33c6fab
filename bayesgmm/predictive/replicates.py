"""Data sets that the fitted model would bring forth, to be held beside the one that there is."""

import json

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesgmm.draws import Draws, blocks
from bayesgmm.mfm import MfmPosterior
from bayesgmm.posterior import Posterior, data_groups, require_any_posterior
from bayesgmm.streams import Seed, Use, describe, seed_sequence, stream
from bayesgmm.validation import positive_integer, told

type Array = NDArray[np.float64]

KEPT_VALUES = 20_000_000  # in the data sets together, unless more are asked for: 160 MB
PREDICTED = ("posterior_predictive", "prior_predictive")
DIMS = ("chain", "draw", "observation", "feature")


def posterior_predictive(posterior: Posterior | MfmPosterior, n_draws: int | None = None, seed: Seed = 0) -> xr.DataTree:
    """Draw a new data set of as many rows for draws of the parameters.

    Parameters
    ----------
    posterior : Posterior or MfmPosterior
        No relabelling changes the law of what is drawn.
    n_draws : int, optional
        At most so many draws (at least one of each chain), evenly spaced over every chain; None: all, or as many as give 20
        million numbers.
    seed : int, SeedSequence or Generator

    Returns
    -------
    xarray.DataTree
        Groups ``posterior_predictive`` and ``observed_data``, each with one variable ``x``: of dims (chain, draw, observation,
        feature), where ``draw`` keeps the numbers of the posterior's draws, and of (observation, feature). For ArviZ's predictive
        checks see :func:`by_feature`.

    Warns
    -----
    UnconvergedWarning
        If the posterior's chains have not converged.

    Raises
    ------
    TypeError
        If it is no posterior.

    References
    ----------
    Gelman, Meng & Stern (1996), Posterior predictive assessment of model fitness, Statistica Sinica 6:733-807.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> X, _, _ = bg.simulate(100, n_components=2, n_features=1, separation=5.0, seed=0)
    >>> post = bg.fit_bayes(X, 2, engine="gibbs", draws=500, progress=False)
    >>> posterior_predictive(post, n_draws=200)["posterior_predictive"]["x"].shape
    (4, 50, 100, 1)
    """
    require_any_posterior(posterior)
    posterior.tell_doubt()
    values, root = np.asarray(posterior.observations.values), seed_sequence(seed)
    most = max(1, KEPT_VALUES // values.size) if n_draws is None else positive_integer(n_draws, "n_draws")
    draws, kept = posterior.draws, posterior.tree["posterior"]
    some = draws.evenly(most)
    coords = {"chain": kept["chain"].to_numpy(), "draw": kept["draw"].to_numpy()[some]}
    observed = data_groups(posterior.observations)["observed_data"]
    drawn = xr.Dataset(
        {"x": (DIMS, data_sets(draws.between(some), len(values), root))}, coords | {"feature": observed["feature"].to_numpy()}
    )
    tree = xr.DataTree.from_dict({"posterior_predictive": drawn, "observed_data": observed})
    tree.attrs = {"settings": json.dumps({"seed": describe(root)})}
    return tree


def by_feature(tree: xr.DataTree) -> xr.DataTree:
    """The same data sets with a variable for each feature, as ArviZ's predictive checks need them.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`posterior_predictive`, or :func:`bayesgmm.prior_predictive`.

    Returns
    -------
    xarray.DataTree
        Groups ``posterior_predictive`` or ``prior_predictive``, and ``observed_data`` where there are data, with variables named
        as the features ("/" in a name becomes "|"), for ``az.plot_ppc_dist``, ``plot_ppc_dist_pit``, ``plot_ppc_pit``,
        ``plot_ppc_tstat`` and ``plot_ppc_interval``.

    Raises
    ------
    TypeError
        If it is no such tree.

    Notes
    -----
    A row has no law of its own: ``plot_ppc_pit`` and ``plot_ppc_interval`` hold each row against the same predictive law, which
    it has been used to fit. :func:`loo_pit` leaves each one out.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> X, _, _ = bg.simulate(100, n_components=2, n_features=2, separation=5.0, seed=0)
    >>> tree = by_feature(posterior_predictive(bg.fit_bayes(X, 2, engine="gibbs", draws=500, progress=False)))
    >>> list(tree["posterior_predictive"].data_vars), tree["posterior_predictive"]["x2"].shape
    (['x1', 'x2'], (4, 500, 100))
    """
    if not isinstance(tree, xr.DataTree) or not {*PREDICTED} & {*tree.children}:
        raise TypeError(f"tree must come from posterior_predictive or prior_predictive, got {told(tree)}.")
    groups = {name: tree[name].to_dataset() for name in (*PREDICTED, "observed_data") if name in tree.children}
    names = list(map(str, next(iter(groups.values()))["feature"].to_numpy()))
    parted = {
        group: xr.Dataset({name.replace("/", "|"): dataset["x"].isel(feature=j, drop=True) for j, name in enumerate(names)})
        for group, dataset in groups.items()
    }
    return xr.DataTree.from_dict(parted)


def data_sets(draws: Draws, n: int, seed: np.random.SeedSequence) -> Array:
    """A data set of n rows from each draw, shape (n_chains, n_draws, n, n_features)."""
    k, d = draws.means.shape[2:]
    shares = draws.weights.reshape(-1, k).cumsum(axis=1)
    shares /= shares[:, -1:]  # so that rounding leaves nothing to components without weight
    means, roots = draws.means.reshape(-1, d), np.linalg.cholesky(draws.covariances).reshape(-1, d, d)
    # streams of their own, so that the size of a block changes no bit
    places, normals = (stream(seed, Use.PREDICTIVE, which) for which in range(2))
    out = np.empty((len(shares) * n, d))
    for rows in blocks(len(out), k + d * (d + 2)):
        which = np.arange(rows.start, rows.stop) // n
        component = (places.random(len(which))[:, None] >= shares[which, :-1]).sum(axis=1) + k * which
        steps = roots[component] @ normals.standard_normal((len(which), d, 1))
        out[rows] = means[component] + steps[..., 0]
    return out.reshape(*draws.shape, n, d)
