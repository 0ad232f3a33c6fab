"""Prior: what is believed about weights, means and covariances before the data, in three parts from one registry."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from bayesgmm.covariance import find_structure
from bayesgmm.observations import Observations
from bayesgmm.prior.dirichlet import DirichletWeights
from bayesgmm.prior.hierarchical_wishart import HierarchicalWishart
from bayesgmm.prior.normal_means import NormalMeans
from bayesgmm.prior.parts import CovariancesPrior, MeansPrior, Nuisance, Part, WeightsPrior, as_json
from bayesgmm.validation import known_name

__all__ = [
    "PARTS",
    "CovariancesPrior",
    "DirichletWeights",
    "HierarchicalWishart",
    "MeansPrior",
    "NormalMeans",
    "Nuisance",
    "Prior",
    "WeightsPrior",
]

PARTS: dict[str, type[Part]] = {part.kind: part for part in (DirichletWeights, NormalMeans, HierarchicalWishart)}


@dataclass(frozen=True, eq=False)
class Prior:
    """A prior on weights, means and covariances.

    Attributes
    ----------
    weights : WeightsPrior
    means : MeansPrior
    covariances : CovariancesPrior
    """

    weights: WeightsPrior
    means: MeansPrior
    covariances: CovariancesPrior

    @classmethod
    def weakly_informative(cls, X: Any, covariance: str = "full", weights_concentration: Any = 1.0) -> Self:
        r"""The default prior: a hierarchical Wishart whose scales come from the ranges of the data.

        With R_j the range of feature j and m its midrange: :math:`\mu_k \sim \mathcal N(m, \mathrm{diag}(R_j^2))`,
        :math:`P_k \mid C_0 \sim W(c_0, C_0)`, :math:`C_0 \sim W(g_0, G_0)`, where :math:`W(c, C)` has density proportional to
        :math:`|P|^{c-(d+1)/2} e^{-\mathrm{tr}(CP)}`, :math:`c_0 = 2.5 + (d-1)/2`, :math:`g_0 = 0.5 + (d-1)/2` and
        :math:`G_0 = (100\,g_0/c_0)\,\mathrm{diag}(1/R_j^2)`. Diagonal structures take the numbers of d = 1 for each feature,
        spherical ones with the mean of :math:`R_j^2`. It says that covariances are much smaller than the data's range and of
        one another's order; it keeps each component from collapsing on distinct points.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_observations, n_features), or Observations
            Data from which the scales are taken, once: hold the prior fixed when the data change (cross-validation, bootstrap).
        covariance : str
            The structure it is for.
        weights_concentration : float or array-like of shape (n_components,)
            Dirichlet parameter(s) of the weights.

        References
        ----------
        Stephens (1997), Bayesian Methods for Mixtures of Normal Distributions, DPhil thesis, University of Oxford.
        Fruehwirth-Schnatter (2006), Finite Mixture and Markov Switching Models, doi:10.1007/978-0-387-35768-3.

        Examples
        --------
        >>> prior = Prior.weakly_informative([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]])
        >>> prior.means.scale
        array([3., 4.])
        """
        observations = Observations.from_data(X)
        block, squares = find_structure(covariance).block, observations.ranges**2
        order = block.order(observations.n_features)
        c0, g0 = 2.5 + (order - 1) / 2, 0.5 + (order - 1) / 2
        return cls.hierarchical_wishart(
            means_location=observations.midranges,
            means_scale=observations.ranges,
            concentration=c0,
            rate_concentration=g0,
            rate_rate=100 * g0 / c0 * block.invert(block.compact(np.diag(squares))),
            weights_concentration=weights_concentration,
        )

    @classmethod
    def hierarchical_wishart(
        cls,
        means_location: Any,
        means_scale: Any,
        concentration: float,
        rate_concentration: float,
        rate_rate: Any,
        weights_concentration: Any = 1.0,
    ) -> Self:
        """Normal means, Wishart precisions with a common Wishart rate: see :class:`HierarchicalWishart` for the numbers."""
        return cls(
            DirichletWeights(weights_concentration),
            NormalMeans(means_location, means_scale),
            HierarchicalWishart(concentration, rate_concentration, rate_rate),
        )

    def with_mode(self) -> Self:
        """The nearest prior that has a mode, itself where it has one; only starting points come from it."""
        return replace(self, weights=self.weights.with_mode(), covariances=self.covariances.with_mode())

    @property
    def has_mode(self) -> bool:
        """Whether the joint density has a mode for every number of components, so that a MAP exists."""
        return self.with_mode().to_json() == self.to_json()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values from which :meth:`from_json` makes an equal prior."""
        return {name: as_json(part) for name, part in vars(self).items()}

    @classmethod
    def from_json(cls, saved: Mapping[str, Mapping[str, Any]]) -> Self:
        """The prior that :meth:`to_json` described."""
        parts = {}
        for name, fields in saved.items():
            part = PARTS[known_name(fields["kind"], f"prior on {name}", PARTS)]
            parts[name] = part(**{field: value for field, value in fields.items() if field != "kind"})
        return cls(**parts)  # type: ignore[arg-type]
