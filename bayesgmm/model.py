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

from bayesgmm.abilities import Abilities
from bayesgmm.covariance import Full, Structure
from bayesgmm.density import (
    LKJ,
    Affine,
    CholeskyFactor,
    FactoredNormal,
    GaussianMixture,
    Wishart,
    inverse_of_factored,
    precision_factors,
)
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.prior import (
    ConjugateMeans,
    DirichletWeights,
    FixedWishart,
    HalfT,
    HierarchicalWishart,
    Lkj,
    NormalMeans,
    Nuisance,
    PrecisionsPrior,
    Prior,
)
from bayesgmm.prior.lkj import has_correlations
from bayesgmm.prior.scales import HalfNormal, LogNormal
from bayesgmm.specification import Specification

ABILITIES = Abilities("The PyMC model", data=frozenset(), requirements=(), default_prior=True)
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
        Free variables ``weights``, ``means``, ``precisions`` (in the compact form of the structure; under LKJ ``scales`` and
        ``correlations``) and the prior's own; deterministic ``covariances`` (K, d, d); observed ``x``. All are in the data's
        units. It can be taken to ``pm.sample``, ``pm.sample_prior_predictive``, ``pm.sample_posterior_predictive`` and
        ``pm.compute_log_likelihood``.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> model = bg.build_model(bg.load_dataset("faithful"), n_components=2)
    >>> [variable.name for variable in model.free_RVs]
    ['weights', 'precisions_rate', 'precisions', 'means']
    """
    return model_of(*ABILITIES.door(X, n_components, covariance, prior))


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
        factors = precision_factors_variable(prior.covariances, structure, k, observations)
        means = means_variable(prior.means, factors, observations)
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
def means_variable(part: Any, factors: Any, observations: Observations) -> Any:
    """The random variable of the means, given the lower triangular factors (K, d, d) of the precisions."""
    raise TypeError(f"No PyMC translation of the prior on means {part!r}.")


@means_variable.register
def _(part: NormalMeans, factors: Any, observations: Observations) -> Any:
    transform = Affine(observations.midranges, observations.ranges)
    return pm.Normal("means", part.location, part.scale, dims=("component", "feature"), default_transform=transform)


@means_variable.register
def _(part: ConjugateMeans, factors: Any, observations: Observations) -> Any:
    location = np.broadcast_to(part.location, (observations.n_features,))
    transform = Affine(observations.midranges, observations.ranges, ndim_supp=1)
    factors = factors * np.sqrt(part.concentration)
    return FactoredNormal("means", location, factors, dims=("component", "feature"), default_transform=transform)


@singledispatch
def precision_factors_variable(part: Any, structure: Structure, n_components: int, observations: Observations) -> Any:
    """Lower triangular factors (K, d, d) of the precisions, from random variables named as the prior's coordinates."""
    raise TypeError(f"No PyMC translation of the prior on covariances {part!r}.")


@precision_factors_variable.register
def _(part: PrecisionsPrior, structure: Structure, n_components: int, observations: Observations) -> Any:
    block, d = structure.block, observations.n_features
    dims = (*_batch_dims(structure), *block.dims)
    rate = rate_variable(part, structure, observations)
    concentration = part.concentration_for(block.order(d))
    if isinstance(block, Full):
        transform = CholeskyFactor(d, observations.ranges)
        precisions = Wishart("precisions", concentration, rate, dims=dims, default_transform=transform)
        return pt.broadcast_to(pt.linalg.cholesky(precisions), (n_components, d, d))
    roots = pt.sqrt(pm.Gamma("precisions", double(concentration), rate, dims=dims))
    return _diagonal_matrices(roots, structure, n_components, d)


@precision_factors_variable.register
def _(part: Lkj, structure: Structure, n_components: int, observations: Observations) -> Any:
    block, d = structure.block, observations.n_features
    dims = (*_batch_dims(structure), *block.dims[:1])
    scales = scales_variable(part.law(structure, d), dims)
    if not has_correlations(structure, d):
        return _diagonal_matrices(1 / scales, structure, n_components, d)
    correlations = LKJ("correlations", part.eta, d, dims=(*_batch_dims(structure), *block.dims))
    return pt.broadcast_to(precision_factors(scales, correlations), (n_components, d, d))


@singledispatch
def rate_variable(part: Any, structure: Structure, observations: Observations) -> Any:
    """The rate of the precisions in compact form, with the prior's nuisance variables."""
    raise TypeError(f"No PyMC translation of the prior on precisions {part!r}.")


@rate_variable.register
def _(part: FixedWishart, structure: Structure, observations: Observations) -> Any:
    return part.rates(structure, observations.n_features, {})[0]


@rate_variable.register
def _(part: HierarchicalWishart, structure: Structure, observations: Observations) -> Any:
    block, d = structure.block, observations.n_features
    rate_rate = part.rate_rates(structure, d)
    if not isinstance(block, Full):
        return pm.Gamma("precisions_rate", double(part.rate_concentration), rate_rate, dims=block.dims)
    return Wishart(
        "precisions_rate",
        part.rate_concentration,
        rate_factor=np.linalg.cholesky(rate_rate),
        dims=block.dims,
        default_transform=CholeskyFactor(d, 1 / observations.ranges),
    )


@rate_variable.register
def _(part: HalfT, structure: Structure, observations: Observations) -> Any:
    block, d = structure.block, observations.n_features
    dims = (*_batch_dims(structure), *block.dims[:1])
    rates = part.degrees_of_freedom * pm.Gamma("half_t_rates", double(0.5), part.rates_rate(structure, d), dims=dims)
    return rates[..., None] * np.eye(d) if isinstance(block, Full) else rates


@singledispatch
def scales_variable(law: Any, dims: tuple[str, ...]) -> Any:
    """The random variable of the standard deviations."""
    raise TypeError(f"No PyMC translation of the law of scales {law!r}.")


@scales_variable.register
def _(law: LogNormal, dims: tuple[str, ...]) -> Any:
    return pm.LogNormal("scales", law.location, law.scale, dims=dims)


@scales_variable.register
def _(law: HalfNormal, dims: tuple[str, ...]) -> Any:
    return pm.HalfNormal("scales", law.scale, dims=dims)


def double(number: float) -> Any:
    """A constant that PyTensor does not store in single precision, in which it would take its gamma function."""
    return pt.constant(number, dtype="float64")


def _batch_dims(structure: Structure) -> tuple[str, ...]:
    return () if structure.is_shared else ("component",)


def _diagonal_matrices(roots: Any, structure: Structure, n_components: int, n_features: int) -> Any:
    """Diagonal matrices (K, d, d) of entries that are one a feature, or one for all."""
    entries = roots[..., None] if structure.block.dims else roots[..., None, None]
    return pt.broadcast_to(entries * pt.eye(n_features), (n_components, n_features, n_features))


def free_points(
    model: pm.Model, specification: Specification, starts: Sequence[tuple[Mixture, Nuisance]]
) -> list[dict[str, NDArray[np.float64]]]:
    """Values of the model's free (unconstrained) variables at each mixture, by name, in the order of ``model.free_RVs``."""
    inputs = [pt.tensor(variable.name, dtype="float64", shape=variable.type.shape) for variable in model.free_RVs]
    transforms = [model.rvs_to_transforms[variable] for variable in model.free_RVs]
    outputs = [
        transform.forward(value, *variable.owner.inputs) if transform else value
        for variable, transform, value in zip(model.free_RVs, transforms, inputs, strict=True)
    ]
    names = [model.rvs_to_values[variable].name for variable in model.free_RVs]
    forward = pytensor.function(inputs, outputs, mode=PYTHON, on_unused_input="ignore")
    return [dict(zip(names, forward(**_parameters(specification, *start)), strict=True)) for start in starts]


def _parameters(specification: Specification, mixture: Mixture, nuisance: Nuisance) -> dict[str, NDArray[np.float64]]:
    """Values of the model's random variables, in the data's units."""
    coordinates = specification.required_prior.covariances.coordinates(specification.structure, mixture.covariances)
    return {"weights": mixture.weights, "means": mixture.means, **coordinates, **nuisance}
