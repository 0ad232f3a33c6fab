"""The same model as :mod:`benchmarks.peers.gallery`, written by hand for NumPyro with the allocations summed out."""

import time
from typing import Any

import numpy as np

from benchmarks.peers.gallery import ETA, SCALE, Array, centres
from benchmarks.timing import UnavailableError

try:
    import jax
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist
except ImportError as error:
    raise UnavailableError(f"{error.name} is not installed") from None


def sample(
    X: Array, n_components: int, n_draws: int, tune: int, chains: int, seed: int
) -> tuple[float, tuple[Array, Array, Array]]:
    """Seconds from model to draws, compilation included, and the draws; chains run side by side in one vectorised program."""
    numpyro.enable_x64()

    def model(X: Any) -> None:
        d = X.shape[1]
        weights = numpyro.sample("weights", dist.Dirichlet(jnp.ones(n_components)))
        with numpyro.plate("component", n_components):
            where = jnp.asarray(centres(n_components))[:, None] * jnp.ones(d)
            means = numpyro.sample("means", dist.Normal(where, SCALE).to_event(1))
            scales = numpyro.sample("scales", dist.Exponential(1.0 / SCALE).expand([d]).to_event(1))
            correlation = numpyro.sample("correlation", dist.LKJCholesky(d, ETA))
        factors = numpyro.deterministic("factors", scales[..., None] * correlation)
        joint = jnp.log(weights) + dist.MultivariateNormal(means, scale_tril=factors).log_prob(X[:, None, :])
        numpyro.factor("x", jax.scipy.special.logsumexp(joint, axis=1).sum())

    began = time.perf_counter()
    kernel = numpyro.infer.NUTS(model)
    mcmc = numpyro.infer.MCMC(
        kernel, num_warmup=tune, num_samples=n_draws, num_chains=chains, chain_method="vectorized", progress_bar=False
    )
    mcmc.run(jax.random.PRNGKey(seed), jnp.asarray(X))
    found = {name: np.asarray(value) for name, value in mcmc.get_samples(group_by_chain=True).items()}
    seconds = time.perf_counter() - began
    factors = found["factors"]
    return seconds, (found["weights"], found["means"], factors @ np.swapaxes(factors, -1, -2))
