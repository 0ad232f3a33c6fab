"""Rows left out in earnest: the density of some rows under the posterior of the others, by the same engine and prior."""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from scipy.special import logsumexp

from bayesgmm.engines import ENGINES, fit_bayes
from bayesgmm.interruption import PartialWarning
from bayesgmm.observations import DataWarning, Observations
from bayesgmm.posterior import Posterior
from bayesgmm.streams import Use, child, seed_sequence

type Array = NDArray[np.float64]


def require_refittable(posterior: Posterior) -> None:
    """Raise ValueError if rows are not in memory, or the number of components is unknown: that is not fitted again."""
    if posterior.observations.is_stored:
        raise ValueError(
            "Rows that are not in memory are not fitted again without some of them: use loo() without refit, or waic()."
        )
    if "given" in posterior.settings:
        raise ValueError(
            "These draws are of a mixture whose number of components is unknown: only fits by fit_bayes are refitted."
        )


def left_out(posterior: Posterior, groups: Sequence[NDArray[np.int64]], progress: bool) -> Iterator[Array]:
    """For each group of rows: log p(x_i | all other groups' rows), shape (rows of the group,).

    The prior is held fixed, and the engine with its settings is the posterior's own.

    Raises
    ------
    ValueError
        If the rows that are left cannot be fitted.
    KeyboardInterrupt
        If Ctrl-C came before a fit was done.
    """
    everything = np.arange(posterior.observations.n_observations)
    for g, rows in enumerate(track(groups, "Leaving rows out", disable=not progress, transient=True)):
        yield _density(posterior, np.setdiff1d(everything, rows), rows, g)


def _density(posterior: Posterior, kept: NDArray[np.int64], left: NDArray[np.int64], which: int) -> Array:
    data, specification, settings = posterior.observations, posterior.specification, posterior.settings
    own: dict[str, Any] = {name: settings[name] for name in ENGINES[settings["engine"]].settings}
    seed = np.random.SeedSequence(settings["seed"]["entropy"], spawn_key=settings["seed"]["spawn_key"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # told already
        warnings.simplefilter("ignore", PartialWarning)
        refit = fit_bayes(
            Observations.from_data(data.values[kept], names=data.names),
            specification.n_components,
            specification.covariance,
            specification.prior,
            settings["engine"],
            draws=settings["draws"],
            tune=settings["tune"],
            chains=settings["chains"],
            seed=child(seed_sequence(seed), Use.REFIT, which),
            progress=False,
            **own,
        )
    if refit.partial:
        raise KeyboardInterrupt
    density = refit.draws.log_density(data.values[left]).reshape(-1, len(left))
    return np.asarray(logsumexp(density, axis=0) - np.log(len(density)))
