"""Peak memory of EM above what was in use before: WHO n d K."""

import json
import sys
import warnings

import numpy as np

from benchmarks.process import megabytes

BLOCK = 65_536


def data(n: int, d: int, n_components: int) -> np.ndarray:
    """Groups on a diagonal, written in blocks: nothing of the data's size is made beside them."""
    rng, X = np.random.default_rng(1), np.empty((n, d))
    for first in range(0, n, BLOCK):
        block = X[first : first + BLOCK]
        rng.standard_normal(out=block)
        block += 4.0 * rng.integers(n_components, size=len(block))[:, None]
    return X


def fit(who: str, X: np.ndarray, n_components: int) -> None:
    """A few passes from a start that each finds for itself."""
    if who == "bayesgmm":
        import bayesgmm as bg

        bg.fit_em(X, n_components, n_init=2, max_iterations=3)
    else:
        from sklearn.mixture import GaussianMixture

        GaussianMixture(n_components, max_iter=3, init_params="random_from_data", random_state=0).fit(X)


warnings.simplefilter("ignore")
who, n, d, n_components = sys.argv[1], *map(int, sys.argv[2:])
fit(who, data(1000, d, n_components), n_components)  # imports and compiled code are not what is asked for
X = data(n, d, n_components)
before = megabytes("VmRSS")
fit(who, X, n_components)
print(json.dumps({"megabytes": megabytes("VmHWM") - before, "data": X.nbytes / 1e6}))
