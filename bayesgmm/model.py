"""The specified model as a PyMC model: each part of a prior is translated by single dispatch.

Random variables are in the data's units; their transforms standardise them, so that units of measurement change neither the
shape nor the scale of the space that NUTS moves in (logs of precisions are shifted by the log of the unit). The data enter as an
observed random variable with the component indicator summed out. The prior's numbers are constants with names, and no length
but that of the features is written into the graph, so that one compiled code can serve all models that differ in these only.
"""

from collections.abc import Mapping, Sequence
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
    Simplex,
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
PYTHON = pytensor.compile.Mode("py", "None")  # for what is called a few times: nothing is rewritten or compiled


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
        units. The prior's numbers are among ``model.data_vars``, such as ``means_location``. The model can be taken to
        ``pm.sample``, ``pm.sample_prior_predictive``, ``pm.sample_posterior_predictive`` and ``pm.compute_log_likelihood``.

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
        factors = precision_factors_variable(prior.covariances, structure, observations)
        if structure.is_shared:
            factors = pt.broadcast_to(factors, (model.dim_lengths["component"], *factors.shape))
        means = means_variable(prior.means, factors, observations)
        pm.Deterministic("covariances", inverse_of_factored(factors), dims=("component", "feature", "feature2"))
        values = pm.Data("values", observations.values, dims=("observation", "feature"))
        GaussianMixture("x", weights, means, factors, observed=values, dims=("observation", "feature"))
    return model


def number(name: str, value: Any, *dims: str) -> Any:
    """A number of the prior, or one a feature: a constant that has a name in the model, as PyMC's frozen data have."""
    constant = pt.constant(np.asarray(value), name=name, dtype="float64")
    pm.modelcontext(None).register_data_var(constant, dims=dims)
    return constant


@singledispatch
def weights_variable(part: Any, n_components: int) -> Any:
    """The random variable of the weights."""
    raise TypeError(f"No PyMC translation of the prior on weights {part!r}.")


@weights_variable.register
def _(part: DirichletWeights, n_components: int) -> Any:
    if part.is_exchangeable:
        one = number("weights_concentration", part.concentration.flat[0])
        concentration = pt.full((pm.modelcontext(None).dim_lengths["component"],), one)
    else:
        concentration = number("weights_concentration", part.for_components(n_components), "component")
    return pm.Dirichlet("weights", concentration, dims="component", default_transform=Simplex())


@singledispatch
def means_variable(part: Any, factors: Any, observations: Observations) -> Any:
    """The random variable of the means, given the lower triangular factors (K, d, d) of the precisions."""
    raise TypeError(f"No PyMC translation of the prior on means {part!r}.")


@means_variable.register
def _(part: NormalMeans, factors: Any, observations: Observations) -> Any:
    location, scale = (
        number(f"means_{name}", np.broadcast_to(getattr(part, name), (observations.n_features,)), "feature")
        for name in ("location", "scale")
    )
    transform = Affine(observations.midranges, observations.ranges)
    return pm.Normal("means", location, scale, dims=("component", "feature"), default_transform=transform)


@means_variable.register
def _(part: ConjugateMeans, factors: Any, observations: Observations) -> Any:
    location = number("means_location", np.broadcast_to(part.location, (observations.n_features,)), "feature")
    factors = factors * pt.sqrt(number("means_concentration", part.concentration))
    transform = Affine(observations.midranges, observations.ranges, ndim_supp=1)
    return FactoredNormal("means", location, factors, dims=("component", "feature"), default_transform=transform)


@singledispatch
def precision_factors_variable(part: Any, structure: Structure, observations: Observations) -> Any:
    """Lower triangular factors of the distinct precisions, (K, d, d) or (d, d), from variables named as prior coordinates."""
    raise TypeError(f"No PyMC translation of the prior on covariances {part!r}.")


@precision_factors_variable.register
def _(part: PrecisionsPrior, structure: Structure, observations: Observations) -> Any:
    block = structure.block
    dims = (*_batch_dims(structure), *block.dims)
    rate = rate_variable(part, structure, observations)
    concentration = number("precisions_concentration", part.concentration_for(block.order(observations.n_features)))
    if isinstance(block, Full):
        transform = CholeskyFactor(observations.n_features, observations.ranges)
        return pt.linalg.cholesky(Wishart("precisions", concentration, rate_factor=rate, dims=dims, default_transform=transform))
    return _diagonal_matrices(pt.sqrt(pm.Gamma("precisions", concentration, rate, dims=dims)), structure, observations)


@precision_factors_variable.register
def _(part: Lkj, structure: Structure, observations: Observations) -> Any:
    block, d = structure.block, observations.n_features
    dims = (*_batch_dims(structure), *block.dims[:1])
    scales = scales_variable(part.law(structure, d), dims)
    if not has_correlations(structure, d):
        return _diagonal_matrices(1 / scales, structure, observations)
    eta = number("correlations_eta", part.eta)
    return precision_factors(scales, LKJ("correlations", eta, d, dims=(*_batch_dims(structure), *block.dims)))


@singledispatch
def rate_variable(part: Any, structure: Structure, observations: Observations) -> Any:
    """The rate of the precisions in compact form, its lower factor if they are full, with the prior's nuisance variables."""
    raise TypeError(f"No PyMC translation of the prior on precisions {part!r}.")


@rate_variable.register
def _(part: FixedWishart, structure: Structure, observations: Observations) -> Any:
    return _fixed_rate("precisions_rate", part.rates(structure, observations.n_features, {})[0], structure)


@rate_variable.register
def _(part: HierarchicalWishart, structure: Structure, observations: Observations) -> Any:
    block = structure.block
    concentration = number("precisions_rate_concentration", part.rate_concentration)
    rate_rate = _fixed_rate("precisions_rate_rate", part.rate_rates(structure, observations.n_features), structure)
    if not isinstance(block, Full):
        return pm.Gamma("precisions_rate", concentration, rate_rate, dims=block.dims)
    transform = CholeskyFactor(observations.n_features, 1 / observations.ranges)
    return pt.linalg.cholesky(
        Wishart("precisions_rate", concentration, rate_factor=rate_rate, dims=block.dims, default_transform=transform)
    )


@rate_variable.register
def _(part: HalfT, structure: Structure, observations: Observations) -> Any:
    block = structure.block
    rates_rate = number("half_t_rates_rate", part.rates_rate(structure, observations.n_features), *block.dims[:1])
    gammas = pm.Gamma("half_t_rates", double(0.5), rates_rate, dims=(*_batch_dims(structure), *block.dims[:1]))
    rates = number("half_t_degrees_of_freedom", part.degrees_of_freedom) * gammas
    return pt.sqrt(rates)[..., None] * np.eye(observations.n_features) if isinstance(block, Full) else rates


def _fixed_rate(name: str, rate: NDArray[np.float64], structure: Structure) -> Any:
    """A fixed rate, or its lower factor if precisions are full."""
    if isinstance(structure.block, Full):
        return number(f"{name}_factor", np.linalg.cholesky(rate), *structure.block.dims)
    return number(name, rate, *structure.block.dims)


@singledispatch
def scales_variable(law: Any, dims: tuple[str, ...]) -> Any:
    """The random variable of the standard deviations."""
    raise TypeError(f"No PyMC translation of the law of scales {law!r}.")


@scales_variable.register
def _(law: LogNormal, dims: tuple[str, ...]) -> Any:
    location, scale = (number(f"scales_{name}", getattr(law, name), *_feature_dims(dims)) for name in ("location", "scale"))
    return pm.LogNormal("scales", location, scale, dims=dims)


@scales_variable.register
def _(law: HalfNormal, dims: tuple[str, ...]) -> Any:
    return pm.HalfNormal("scales", number("scales_scale", law.scale, *_feature_dims(dims)), dims=dims)


def double(number: float) -> Any:
    """A constant that PyTensor does not store in single precision, in which it would take its gamma function."""
    return pt.constant(number, dtype="float64")


def _batch_dims(structure: Structure) -> tuple[str, ...]:
    return () if structure.is_shared else ("component",)


def _feature_dims(dims: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dim for dim in dims if dim != "component")


def _diagonal_matrices(roots: Any, structure: Structure, observations: Observations) -> Any:
    """Diagonal matrices (..., d, d) of entries that are one a feature, or one for all."""
    entries = roots[..., None] if structure.block.dims else roots[..., None, None]
    return entries * np.eye(observations.n_features)


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


def variables_at(model: pm.Model, points: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """The model's random variables, by name, at values (..., of its shape) of each free (unconstrained) one."""
    values = {variable: model.rvs_to_values[variable].name for variable in model.free_RVs}
    inputs = [pt.tensor(name, dtype="float64", shape=(None,) * points[name].ndim) for name in values.values()]
    transforms = [model.rvs_to_transforms[variable] for variable in values]
    outputs = [
        transform.backward(point, *variable.owner.inputs) if transform else point
        for variable, transform, point in zip(values, transforms, inputs, strict=True)
    ]
    backward = pytensor.function(inputs, outputs, mode=PYTHON, on_unused_input="ignore")
    found = backward(*(points[name] for name in values.values()))
    return dict(zip((variable.name for variable in values), found, strict=True))


def _parameters(specification: Specification, mixture: Mixture, nuisance: Nuisance) -> dict[str, NDArray[np.float64]]:
    """Values of the model's random variables, in the data's units."""
    coordinates = specification.required_prior.covariances.coordinates(specification.structure, mixture.covariances)
    return {"weights": mixture.weights, "means": mixture.means, **coordinates, **nuisance}
