"""From a built model to draws by NUTS: WHO DATA SEED. Imports and the model's building are not in the time, compilation is.

Our own time begins before the model is built; that of the whole fit has the checks of the data and the starts by EM in it too.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import bayesgmm as bg
from bayesgmm.kernels.threads import threads_at_hand
from benchmarks.effective import smallest_bulk_ess
from benchmarks.problems import Array, simulated, standardised

N_COMPONENTS, DRAWS, TUNE, CHAINS, CORES = 2, 1000, 1000, 4, threads_at_hand()

type Drawn = tuple[float, tuple[Array, Array, Array]]


def whole(X: Array, seed: int) -> Drawn:
    """``fit_bayes`` with everything at its default."""
    fit = bg.fit_bayes  # loads PyMC and nutpie
    began = time.perf_counter()
    posterior = fit(X, N_COMPONENTS, engine="nuts", draws=DRAWS, tune=TUNE, chains=CHAINS, cores=CORES, seed=seed, progress=False)
    seconds = time.perf_counter() - began
    return seconds, (posterior.draws.weights, posterior.draws.means, posterior.draws.covariances)


def ours(X: Array, seed: int) -> Drawn:
    """The same, of which the engine's part counts: building the model, compiling it or finding its code, and sampling."""
    posterior = bg.fit_bayes(
        X, N_COMPONENTS, engine="nuts", draws=DRAWS, tune=TUNE, chains=CHAINS, cores=CORES, seed=seed, progress=False
    )
    draws = posterior.draws
    return sum(posterior.settings["seconds"].values()), (draws.weights, draws.means, draws.covariances)


def gallery_by_nutpie(X: Array, seed: int) -> Drawn:
    """The gallery's model compiled and sampled by nutpie."""
    import nutpie

    from benchmarks.peers import gallery

    model = gallery.model(X, N_COMPONENTS)
    began = time.perf_counter()
    compiled = nutpie.compile_pymc_model(model, backend="numba")
    trace: Any = nutpie.sample(compiled, draws=DRAWS, tune=TUNE, chains=CHAINS, cores=CORES, seed=seed, progress_bar=False)
    seconds = time.perf_counter() - began
    return seconds, gallery.draws(trace["posterior"], N_COMPONENTS)


def gallery_by_pymc(X: Array, seed: int) -> Drawn:
    """The gallery's model by PyMC's own sampler."""
    import pymc as pm

    from benchmarks.peers import gallery

    with gallery.model(X, N_COMPONENTS):
        began = time.perf_counter()
        trace: Any = pm.sample(
            DRAWS, tune=TUNE, chains=CHAINS, cores=CORES, random_seed=seed, nuts_sampler="pymc", progressbar=False,
            compute_convergence_checks=False,
        )  # fmt: skip
        seconds = time.perf_counter() - began
    return seconds, gallery.draws(trace["posterior"], N_COMPONENTS)


def numpyro(X: Array, seed: int) -> Drawn:
    """The gallery's model by NumPyro."""
    from benchmarks.peers.gallery_numpyro import sample

    return sample(X, N_COMPONENTS, DRAWS, TUNE, CHAINS, seed)


WHO = {"ours": ours, "whole": whole, "nutpie": gallery_by_nutpie, "pymc": gallery_by_pymc, "numpyro": numpyro}
DATA: dict[str, Callable[[], Array]] = {
    "faithful": lambda: standardised("faithful"),
    "simulated": lambda: np.ascontiguousarray(simulated(500, 2, N_COMPONENTS, separation=4.0).X),
}

if __name__ == "__main__":  # PyMC's chains may be processes that import this module anew
    who, name, seed = sys.argv[1:]
    X = DATA[name]()
    seconds, (weights, means, covariances) = WHO[who](X, int(seed))
    print(json.dumps({"seconds": seconds, "ess": smallest_bulk_ess(X, weights, means, covariances)}))
