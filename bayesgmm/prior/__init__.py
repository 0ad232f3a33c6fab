"""Prior: what is believed about weights, means and covariances before the data, in three parts from one registry."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from bayesgmm.covariance import Structure, find_structure
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.prior.concentration import Concentration, FLaw, GammaLaw
from bayesgmm.prior.conjugate_means import ConjugateMeans
from bayesgmm.prior.dirichlet import DirichletWeights
from bayesgmm.prior.families import FAMILIES
from bayesgmm.prior.fixed_wishart import FixedWishart
from bayesgmm.prior.half_t import HalfT
from bayesgmm.prior.hierarchical_wishart import HierarchicalWishart
from bayesgmm.prior.lkj import Lkj
from bayesgmm.prior.normal_means import NormalMeans
from bayesgmm.prior.number import ComponentsPrior
from bayesgmm.prior.parts import CovariancesPrior, MeansPrior, Nuisance, Part, WeightsPrior, as_json
from bayesgmm.prior.precisions import PrecisionsPrior
from bayesgmm.streams import Seed, Use, child, seed_sequence, stream
from bayesgmm.validation import instance_of, known_name, positive_integer

__all__ = [
    "FAMILIES",
    "PARTS",
    "ComponentsPrior",
    "Concentration",
    "ConjugateMeans",
    "CovariancesPrior",
    "DirichletWeights",
    "FLaw",
    "FixedWishart",
    "GammaLaw",
    "HalfT",
    "HierarchicalWishart",
    "Lkj",
    "MeansPrior",
    "NormalMeans",
    "Nuisance",
    "PrecisionsPrior",
    "Prior",
    "PriorDraw",
    "WeightsPrior",
]

PARTS: dict[str, type[Part]] = {
    part.kind: part for part in (DirichletWeights, NormalMeans, ConjugateMeans, FixedWishart, HierarchicalWishart, HalfT, Lkj)
}


class PriorDraw(NamedTuple):
    """A mixture drawn from a prior, with the prior's nuisance variables."""

    mixture: Mixture
    nuisance: Nuisance


@dataclass(frozen=True, eq=False)
class Prior:
    """A prior on weights, means and covariances: made by one of the constructors below, or by hand from three parts.

    Attributes
    ----------
    weights : WeightsPrior
        :class:`~bayesgmm.prior.DirichletWeights`.
    means : MeansPrior
        :class:`~bayesgmm.prior.NormalMeans` or :class:`~bayesgmm.prior.ConjugateMeans`.
    covariances : CovariancesPrior
        :class:`~bayesgmm.prior.HierarchicalWishart`, :class:`~bayesgmm.prior.FixedWishart`, :class:`~bayesgmm.prior.HalfT` or
        :class:`~bayesgmm.prior.Lkj`.

    Raises
    ------
    TypeError
        If a part is of another kind.
    ValueError
        If the parts are for different numbers of features.

    Notes
    -----
    The inverse Wishart and the normal-inverse-Wishart with c0 >= (p + 1) / 2 bound the joint density for any data (p the order of
    the matrices: d for full ones, 1 for others). The other priors do not always: many equal rows, or rows on one hyperplane, can
    make a spike at a collapsing component. The posterior is proper and samplers do not find it, but an optimiser may, and then
    says so. Choose ``family="inverse_wishart"`` where a guarantee is wanted.

    Examples
    --------
    >>> from bayesgmm.prior import DirichletWeights, FixedWishart, NormalMeans, Prior
    >>> prior = Prior(DirichletWeights(2.0), NormalMeans(0.0, 10.0), FixedWishart(2.5, 1.0))
    >>> [draw.mixture.n_components for draw in prior.sample(2, n_components=3, covariance="spherical", n_features=2)]
    [3, 3]
    """

    weights: WeightsPrior
    means: MeansPrior
    covariances: CovariancesPrior

    def __post_init__(self) -> None:
        instance_of(self.weights, WeightsPrior, "The prior on weights")
        instance_of(self.means, MeansPrior, "The prior on means")
        instance_of(self.covariances, CovariancesPrior, "The prior on covariances")
        of_means, of_covariances = self.means.n_features, self.covariances.n_features
        if None not in (of_means, of_covariances) and of_means != of_covariances:
            raise ValueError(f"The prior on means is for {of_means} features, that on covariances for {of_covariances}.")

    @classmethod
    def weakly_informative(
        cls,
        X: Any,
        covariance: str = "full",
        weights_concentration: Any = 1.0,
        family: str = "hierarchical_wishart",
        allow_missing: bool = False,
    ) -> Self:
        r"""The default prior: scales come from the ranges of the data, by default through a hierarchical Wishart.

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
        family : {"hierarchical_wishart", "inverse_wishart", "normal_inverse_wishart", "half_t", "lkj"}
            ``"inverse_wishart"`` holds the rate at its mean, :math:`C_0 = (c_0/100)\,\mathrm{diag}(R_j^2)`;
            ``"normal_inverse_wishart"`` has besides :math:`\mu_k \sim \mathcal N(m, \Sigma_k/0.01)`; ``"half_t"``:
            :math:`\nu = 2, A_j = R_j/8`; ``"lkj"``: :math:`\log s_{kj} \sim \mathcal N(\log(R_j/10), 1)`, :math:`\eta = 2`.
            Standard deviations are typically a tenth of the range in few dimensions; under full Wishart families they grow
            like :math:`\sqrt{c_0}` with more.
        allow_missing : bool
            Take data with missing cells: ranges are those of what is known.

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
        observations, structure = Observations.from_data(X, allow_missing=allow_missing), find_structure(covariance)
        require_priors(structure)
        means, covariances = FAMILIES[known_name(family, "family of priors", FAMILIES)](observations, structure)
        return cls(DirichletWeights(weights_concentration), means, covariances)

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
        """Normal means, Wishart precisions with a common Wishart rate: :class:`~bayesgmm.prior.HierarchicalWishart`.

        Parameters
        ----------
        means_location, means_scale : float or array-like of shape (n_features,)
            Of the normal law of each mean, in the data's units.
        concentration, rate_concentration : float
            c0 and g0, each half the degrees of freedom of its Wishart law; above (p - 1) / 2.
        rate_rate : float or array-like of shape (n_features,) or (n_features, n_features)
            G0, in units of 1 / data^2; a matrix for full structures.
        weights_concentration : float or array-like of shape (n_components,)
        """
        return cls(
            DirichletWeights(weights_concentration),
            NormalMeans(means_location, means_scale),
            HierarchicalWishart(concentration, rate_concentration, rate_rate),
        )

    @classmethod
    def richardson_green(cls, X: Any, weights_concentration: Any = 1.0) -> Self:
        r"""Richardson & Green's prior for one feature.

        :math:`\mu_k \sim \mathcal N(m, R^2)`, :math:`P_k \mid \beta \sim \mathrm{Gamma}(2, \beta)`,
        :math:`\beta \sim \mathrm{Gamma}(0.2, 10/R^2)` with R the range of the data and m its middle; for every covariance
        structure, which are two in one dimension (variances equal or not).

        References
        ----------
        Richardson & Green (1997), On Bayesian analysis of mixtures with an unknown number of components,
        doi:10.1111/1467-9868.00095.
        """
        observations = Observations.from_data(X)
        if observations.n_features != 1:
            raise ValueError(
                f"Richardson and Green's prior is for one feature, the data have {observations.n_features}: "
                "use Prior.weakly_informative(X, covariance), its form for several."
            )
        middle, spread = observations.midranges, observations.ranges
        return cls.hierarchical_wishart(middle, spread, 2.0, 0.2, 10 / spread**2, weights_concentration)

    @classmethod
    def inverse_wishart(
        cls, means_location: Any, means_scale: Any, concentration: float, rate: Any, weights_concentration: Any = 1.0
    ) -> Self:
        """Normal means and, independent of them, inverse-Wishart covariances: :class:`~bayesgmm.prior.FixedWishart`.

        Parameters
        ----------
        means_location, means_scale : float or array-like of shape (n_features,)
            Of the normal law of each mean, in the data's units.
        concentration : float
            c, half the degrees of freedom (SciPy's ``df / 2``); above (p - 1) / 2.
        rate : float or array-like of shape (n_features,) or (n_features, n_features)
            C, half the scale matrix of the inverse Wishart (SciPy's ``scale / 2``), in data^2; a matrix for full structures.
        weights_concentration : float or array-like of shape (n_components,)
        """
        means, covariances = NormalMeans(means_location, means_scale), FixedWishart(concentration, rate)
        return cls(DirichletWeights(weights_concentration), means, covariances)

    @classmethod
    def normal_inverse_wishart(
        cls, means_location: Any, means_concentration: float, concentration: float, rate: Any, weights_concentration: Any = 1.0
    ) -> Self:
        """The conjugate prior: conjugate means given inverse-Wishart covariances.

        Its parts are :class:`~bayesgmm.prior.ConjugateMeans` and :class:`~bayesgmm.prior.FixedWishart`.

        Parameters
        ----------
        means_location : float or array-like of shape (n_features,)
            m0, in the data's units.
        means_concentration : float
            kappa0: rows that the prior counts for at m0.
        concentration : float
            c, half the degrees of freedom (SciPy's ``df / 2``); above (p - 1) / 2.
        rate : float or array-like of shape (n_features,) or (n_features, n_features)
            C, half the scale matrix of the inverse Wishart (SciPy's ``scale / 2``), in data^2; a matrix for full structures.
        weights_concentration : float or array-like of shape (n_components,)
        """
        means, covariances = ConjugateMeans(means_location, means_concentration), FixedWishart(concentration, rate)
        return cls(DirichletWeights(weights_concentration), means, covariances)

    @classmethod
    def mclust(cls, X: Any, n_components: int, covariance: str = "full", weights_concentration: Any = 1.0) -> Self:
        r"""The normal-inverse-Wishart with the defaults of R's mclust.

        :math:`\kappa_0 = 0.01`, m0 the column means, :math:`c_0 = (d+2)/2`, :math:`C_0 = S / (2 K^{2/d})` with S the covariance
        of the data (divisor n - 1), or for diagonal and spherical structures the mean of its diagonal. mclust takes the mode in
        the covariances, this package that in the precisions, so the two MAPs differ.

        Raises
        ------
        ValueError
            If the data's covariance is singular and the structure needs all of it.

        References
        ----------
        Fraley & Raftery (2007), Bayesian regularization for normal mixture estimation and model-based clustering,
        doi:10.1007/s00357-007-0004-5.
        """
        observations, structure = Observations.from_data(X), find_structure(covariance)
        d, n = observations.n_features, observations.total_weight
        if n <= 1 or (not structure.is_diagonal and observations.is_collinear):
            raise ValueError(
                f"mclust's prior takes its scale from the data's covariance, which is singular ({n:g} rows, {d} columns): "
                "leave out columns that the others determine, use covariance='diag', or Prior.weakly_informative(X, covariance)."
            )
        scale = observations.covariance * n / (n - 1) / positive_integer(n_components, "n_components") ** (2 / d)
        rate = scale / 2 if not structure.is_diagonal else np.trace(scale) / d / 2
        return cls.normal_inverse_wishart(observations.mean, 0.01, (d + 2) / 2, rate, weights_concentration)

    @classmethod
    def half_t(
        cls,
        means_location: Any,
        means_scale: Any,
        scales: Any,
        degrees_of_freedom: float = 2.0,
        weights_concentration: Any = 1.0,
    ) -> Self:
        """Normal means and half-t standard deviations: :class:`~bayesgmm.prior.HalfT`.

        Parameters
        ----------
        means_location, means_scale : float or array-like of shape (n_features,)
            Of the normal law of each mean, in the data's units.
        scales : float or array-like of shape (n_features,)
            A, the scale of each half-t law, in the data's units.
        degrees_of_freedom : float
            nu of the half-t laws; a MAP needs 2 or more.
        weights_concentration : float or array-like of shape (n_components,)
        """
        means, covariances = NormalMeans(means_location, means_scale), HalfT(scales, degrees_of_freedom)
        return cls(DirichletWeights(weights_concentration), means, covariances)

    @classmethod
    def lkj(
        cls,
        weights_concentration: Any = 1.0,
        means_location: Any = 0.0,
        means_scale: Any = 10.0,
        scales: str = "lognormal",
        scales_location: Any = 0.0,
        scales_scale: Any = 1.0,
        eta: float = 1.0,
    ) -> Self:
        """Normal means, scales and LKJ correlations apart: :class:`~bayesgmm.prior.Lkj`. The defaults are for standardised data.

        Parameters
        ----------
        weights_concentration : float or array-like of shape (n_components,)
        means_location, means_scale : float or array-like of shape (n_features,)
            Of the normal law of each mean, in the data's units.
        scales : {"lognormal", "half_normal"}
            The law of the standard deviations.
        scales_location, scales_scale : float or array-like of shape (n_features,)
            Mean and standard deviation of log s; half-normal scales have ``scales_scale`` alone, in the data's units.
        eta : float
            1: correlation matrices are uniform; above 1: nearer to none.
        """
        means, covariances = NormalMeans(means_location, means_scale), Lkj(scales, scales_location, scales_scale, eta)
        return cls(DirichletWeights(weights_concentration), means, covariances)

    def check(self, n_components: int, structure: Structure, n_features: int | None = None) -> None:
        """Raise ValueError if the prior cannot serve such a model; the number of features may not be known yet."""
        require_priors(structure)
        for name, part in vars(self).items():
            part.check(n_components, structure, n_features)
            if n_features is not None and part.n_features not in (None, n_features):
                raise ValueError(f"The prior on {name} is for {part.n_features} features, the data have {n_features}.")

    def sample(
        self, n_draws: int, n_components: int, covariance: str = "full", n_features: int | None = None, seed: Seed = 0
    ) -> list[PriorDraw]:
        """Draw mixtures from the prior.

        Parameters
        ----------
        n_draws : int
        n_components : int
            K.
        covariance : str
            Covariance structure.
        n_features : int, optional
            d; needed only where every number of the prior serves all features.
        seed : int, SeedSequence or Generator

        Returns
        -------
        list of PriorDraw
            Pairs ``(mixture, nuisance)``; draw s has a random stream of its own.
        """
        structure, k = find_structure(covariance), positive_integer(n_components, "n_components")
        d = self._features(n_features)
        self.check(k, structure, d)
        root = seed_sequence(seed)
        return [self._draw(structure, k, d, stream(root, Use.PRIOR, s)) for s in range(positive_integer(n_draws, "n_draws"))]

    def sample_data(
        self,
        n_datasets: int,
        n_observations: int,
        n_components: int,
        covariance: str = "full",
        n_features: int | None = None,
        seed: Seed = 0,
    ) -> list[tuple[NDArray[np.float64], NDArray[np.int64], Mixture]]:
        """Prior predictive data sets, each with its labels and the mixture that it came from.

        Parameters are those of :meth:`sample`, whose mixtures these are for the same seed.

        Returns
        -------
        list of (X, labels, mixture)
            X of shape (n_observations, n_features), labels (n_observations,), and the truth.
        """
        root = seed_sequence(seed)
        draws = self.sample(n_datasets, n_components, covariance, n_features, root)
        return [
            (*draw.mixture.sample(n_observations, child(root, Use.PRIOR_DATA, s)), draw.mixture) for s, draw in enumerate(draws)
        ]

    def _draw(self, structure: Structure, n_components: int, n_features: int, rng: np.random.Generator) -> PriorDraw:
        covariances, nuisance = self.covariances.sample(structure, n_components, n_features, rng)
        means = self.means.sample(covariances, rng)
        return PriorDraw(Mixture(self.weights.sample(n_components, rng), means, covariances, structure), nuisance)

    def _features(self, given: int | None) -> int:
        known = next((part.n_features for part in vars(self).values() if part.n_features is not None), None)
        if given is None and known is None:
            raise ValueError("This prior fits any number of features: give n_features.")
        return positive_integer(known if given is None else given, "n_features")

    def with_mode(self) -> Self:
        """The nearest prior that has a mode, itself where it has one; only starting points come from it."""
        return replace(self, weights=self.weights.with_mode(), covariances=self.covariances.with_mode())

    @property
    def why_no_mode(self) -> str:
        """Why the joint density has no mode, so that there is no MAP; nothing where it has one."""
        return " ".join(filter(None, (self.weights.why_no_mode(), self.covariances.why_no_mode())))

    @property
    def is_of_precisions(self) -> bool:
        """Whether the covariances have their prior by way of precisions, whose gradient and full conditional are known."""
        return isinstance(self.covariances, PrecisionsPrior)

    @property
    def precisions(self) -> PrecisionsPrior:
        """The part on covariances, where it is one of precisions; TypeError where it is not."""
        if not isinstance(self.covariances, PrecisionsPrior):
            raise TypeError(f"The prior on covariances {self.covariances!r} is none of precisions.")
        return self.covariances

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


def require_priors(structure: Structure) -> None:
    """Raise ValueError if no prior is defined for a covariance structure."""
    if structure.why_no_prior:
        raise ValueError(structure.why_no_prior)
