"""The specified model as a PyMC model: each part of a prior is translated by single dispatch.

Random variables are in the data's units; their transforms standardise them, so that units of measurement change neither the
shape nor the scale of the space that NUTS moves in (logs of precisions are shifted by the log of the unit). The data enter as an
observed random variable with the component indicator summed out.
"""

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from numpy.typing import NDArray

from bayesgmm.covariance import Full, Structure
from bayesgmm.density import Affine, CholeskyFactor, GaussianMixture, Wishart, inverse_of_factored
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.prior import DirichletWeights, HierarchicalWishart, NormalMeans, Nuisance, Prior
from bayesgmm.specification import Specification

PYTHON = pytensor.compile.Mode("py", "fast_run").excluding("BlasOpt")  # for what is called a few times: nothing is compiled


def build_model(X: Any, n_components: int, covariance: str = "full", prior: Prior | None = None) -> pm.Model:
    r"""Build the PyMC model of a Gaussian mixture.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_observations, n_features)
    n_components : int
    covariance : str
        Covariance structure.
    prior : Prior, optional
        None: :meth:`Prior.weakly_informative` for these data.

    Returns
    -------
    pymc.Model
        Free variables ``weights``, ``means``, ``precisions`` (in the compact form of the structure) and the prior's own;
        deterministic ``covariances`` (K, d, d); observed ``x``. All are in the data's units. It can be taken to ``pm.sample``,
        ``pm.sample_prior_predictive``, ``pm.sample_posterior_predictive`` and ``pm.compute_log_likelihood``.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> model = bg.build_model(bg.load_dataset("faithful"), n_components=2)
    >>> [variable.name for variable in model.free_RVs]
    ['weights', 'means', 'precisions_rate', 'precisions']
    """
    return model_of(*Specification.bayesian(X, n_components, covariance, prior, "The PyMC model"))


def model_of(observations: Observations, specification: Specification) -> pm.Model:
    """The PyMC model of observations and a specification that has a prior."""
    prior, structure, k = specification.required_prior, specification.structure, specification.n_components
    coords = {
        "component": np.arange(k),
        "feature": list(observations.names),
        "feature2": list(observations.names),
        "observation": np.arange(observations.n_observations),
    }
    with pm.Model(coords=coords) as model:
        weights = weights_variable(prior.weights, k)
        means = means_variable(prior.means, observations)
        precisions = precisions_variable(prior.covariances, structure, observations)
        factors = _precision_factors(precisions, structure, k, observations.n_features)
        pm.Deterministic("covariances", inverse_of_factored(factors), dims=("component", "feature", "feature2"))
        values = pm.Data("values", observations.values, dims=("observation", "feature"))
        GaussianMixture("x", weights, means, factors, observed=values, dims=("observation", "feature"))
    return model


@singledispatch
def weights_variable(part: Any, n_components: int) -> Any:
    """The random variable of the weights."""
    raise TypeError(f"No PyMC translation of the prior on weights {part!r}.")


@weights_variable.register
def _(part: DirichletWeights, n_components: int) -> Any:
    return pm.Dirichlet("weights", part.for_components(n_components), dims="component")


@singledispatch
def means_variable(part: Any, observations: Observations) -> Any:
    """The random variable of the means."""
    raise TypeError(f"No PyMC translation of the prior on means {part!r}.")


@means_variable.register
def _(part: NormalMeans, observations: Observations) -> Any:
    transform = Affine(observations.midranges, observations.ranges)
    return pm.Normal("means", part.location, part.scale, dims=("component", "feature"), default_transform=transform)


@singledispatch
def precisions_variable(part: Any, structure: Structure, observations: Observations) -> Any:
    """The random variable of the distinct precisions, in the structure's compact form, with the prior's nuisance variables."""
    raise TypeError(f"No PyMC translation of the prior on covariances {part!r}.")


@precisions_variable.register
def _(part: HierarchicalWishart, structure: Structure, observations: Observations) -> Any:
    dims = structure.block.dims if structure.is_shared else ("component", *structure.block.dims)
    if not isinstance(structure.block, Full):
        rate = pm.Gamma("precisions_rate", part.rate_concentration, part.rate_rate, dims=structure.block.dims)
        return pm.Gamma("precisions", part.concentration, rate, dims=dims)
    of_rate = CholeskyFactor(observations.n_features, 1 / observations.ranges)
    of_precisions = CholeskyFactor(observations.n_features, observations.ranges)
    rate = Wishart(
        "precisions_rate",
        part.rate_concentration,
        rate_factor=np.linalg.cholesky(part.rate_rate),
        dims=structure.block.dims,
        default_transform=of_rate,
    )
    return Wishart("precisions", part.concentration, rate, dims=dims, default_transform=of_precisions)


def _precision_factors(precisions: Any, structure: Structure, n_components: int, n_features: int) -> Any:
    """Lower triangular factors (K, d, d) of precisions in compact form."""
    shape = (n_components, n_features, n_features)
    if isinstance(structure.block, Full):
        return pt.broadcast_to(pt.linalg.cholesky(precisions), shape)
    roots = pt.sqrt(precisions)
    return pt.broadcast_to((roots[..., None] if structure.block.dims else roots[..., None, None]) * pt.eye(n_features), shape)


def free_points(model: pm.Model, starts: Sequence[tuple[Mixture, Nuisance]]) -> list[dict[str, NDArray[np.float64]]]:
    """Values of the model's free (unconstrained) variables at each mixture, by name, in the order of ``model.free_RVs``."""
    inputs = [pt.tensor(variable.name, dtype="float64", shape=variable.type.shape) for variable in model.free_RVs]
    transforms = [model.rvs_to_transforms[variable] for variable in model.free_RVs]
    outputs = [
        transform.forward(value, *variable.owner.inputs) if transform else value
        for variable, transform, value in zip(model.free_RVs, transforms, inputs, strict=True)
    ]
    names = [model.rvs_to_values[variable].name for variable in model.free_RVs]
    forward = pytensor.function(inputs, outputs, mode=PYTHON, on_unused_input="ignore")
    return [dict(zip(names, forward(**_parameters(*start)), strict=True)) for start in starts]


def _parameters(mixture: Mixture, nuisance: Nuisance) -> dict[str, NDArray[np.float64]]:
    """Values of the model's random variables, in the data's units."""
    precisions = mixture.structure.block.invert(mixture.structure.compact(mixture.covariances))
    return {"weights": mixture.weights, "means": mixture.means, "precisions": precisions, **nuisance}
