"""Standard deviations and correlations apart: Sigma = diag(s) R diag(s), R ~ LKJ(eta)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from scipy.optimize import Bounds, minimize, root
from scipy.special import gammaln

from bayesgmm.covariance import Structure, standardised
from bayesgmm.prior.parts import Array, CovariancesPrior, Nuisance
from bayesgmm.prior.scales import LAWS, ScalesLaw
from bayesgmm.validation import finite_array, known_name, positive, positive_array

LARGEST_LOG = 300.0  # of a scale, so that its square is within double precision
FARTHEST = 10.0, 1e4  # that one climb may move the log of a diagonal entry, and another entry: a line search could overflow


@dataclass(frozen=True, eq=False)
class Lkj(CovariancesPrior):
    r"""Scales and correlations: :math:`\Sigma_k = \mathrm{diag}(s_k)\,R_k\,\mathrm{diag}(s_k)`.

    .. math:: p(R_k) \propto |R_k|^{\eta - 1}, \qquad
              \log s_{kj} \sim \mathcal N(a_j, b_j^2) \quad\text{or}\quad s_{kj} \sim \mathcal N^+(0, b_j^2)

    The density is that of the scales and of the correlations below the diagonal, and so is its mode. Diagonal structures have no
    correlations, spherical ones one scale, with the means of a_j and b_j; shared ones one matrix.

    Attributes
    ----------
    scales : {"lognormal", "half_normal"}
    scales_location : ndarray of shape (n_features,) or ()
        a, the mean of log s; half-normal scales do without.
    scales_scale : ndarray of shape (n_features,) or ()
        b: the standard deviation of log s, or of the normal that is folded, in the data's units.
    eta : float
        1: every correlation matrix has the same density; above 1: correlations near zero are favoured.

    References
    ----------
    Lewandowski, Kurowicka & Joe (2009), Generating random correlation matrices based on vines and extended onion method,
    doi:10.1016/j.jmva.2009.04.008.
    """

    scales: str
    scales_location: Array
    scales_scale: Array
    eta: float
    kind: ClassVar[str] = "lkj"

    def __post_init__(self) -> None:
        known_name(self.scales, "law of scales", LAWS)
        location = finite_array(self.scales_location, "scales_location", most=LARGEST_LOG)
        scale = positive_array(self.scales_scale, "scales_scale")
        if location.ndim > 1 or len({len(x) for x in (location, scale) if x.ndim}) > 1:
            raise ValueError(
                "scales_location and scales_scale are one number or one a feature, "
                f"got shapes {location.shape} and {scale.shape}."
            )
        object.__setattr__(self, "scales_location", location)
        object.__setattr__(self, "scales_scale", scale)
        object.__setattr__(self, "eta", positive(self.eta, "eta"))

    @property
    def n_features(self) -> int | None:
        return max((len(x) for x in (self.scales_location, self.scales_scale) if x.ndim), default=None)

    def check(self, n_components: int, structure: Structure, n_features: int | None) -> None:
        pass

    def why_no_mode(self) -> str:
        if self.eta >= 1:
            return ""
        return (
            f"The density of correlations with eta {self.eta:g} is unbounded at singular matrices, so it has no mode: "
            "a MAP needs eta >= 1 (the samplers take smaller ones)."
        )

    def with_mode(self) -> Self:
        return replace(self, eta=max(self.eta, 1.0))

    def law(self, structure: Structure, n_features: int) -> ScalesLaw:
        """The law of the free scales of one matrix."""
        location, scale = (structure.block.entries(x, n_features) for x in (self.scales_location, self.scales_scale))
        return LAWS[self.scales](location, scale)

    def coordinates(self, structure: Structure, covariances: Array) -> dict[str, Array]:
        compact = structure.compact(covariances)
        scales = np.sqrt(structure.block.diagonal(compact))
        if not has_correlations(structure, covariances.shape[-1]):
            return {"scales": scales}
        return {"scales": scales, "correlations": compact / (scales[..., :, None] * scales[..., None, :])}

    def covariances(self, structure: Structure, coordinates: Mapping[str, Array], n_components: int, n_features: int) -> Array:
        scales = coordinates["scales"]
        if has_correlations(structure, n_features):
            compact = coordinates["correlations"] * scales[..., :, None] * scales[..., None, :]
        else:
            compact = structure.block.from_diagonal(scales**2)
        return structure.expand(compact, n_components, n_features)

    def nuisance_mode(self, structure: Structure, covariances: Array) -> Nuisance:
        return {}

    def log_density(self, structure: Structure, covariances: Array, nuisance: Nuisance) -> Array:
        d, batch = covariances.shape[-1], len(structure.batch(1))
        coordinates = self.coordinates(structure, covariances)
        of_scales = self.law(structure, d).log_density(coordinates["scales"])
        log_density = of_scales.sum(axis=tuple(range(-batch - len(structure.block.dims[:1]), 0)))
        if "correlations" in coordinates:
            log_determinants = np.linalg.slogdet(coordinates["correlations"])[1]
            of_correlations = log_constant(d, self.eta) + (self.eta - 1) * log_determinants
            log_density = log_density + of_correlations.sum(axis=tuple(range(-batch, 0)))
        return np.asarray(log_density)

    def marginal_log_density(self, structure: Structure, covariances: Array) -> Array:
        return self.log_density(structure, covariances, {})

    def log_volume(self, structure: Structure, covariances: Array) -> Array:
        """Of each matrix of order p: ``|Sigma|^(p+1) / (2^p prod s_j^p)``, as Sigma_jj = s_j^2 and Sigma_ij = s_i s_j R_ij."""
        block, d = structure.block, covariances.shape[-1]
        p, batch = block.order(d), structure.batch(1)
        compact = structure.compact(covariances)
        log_variances = np.log(block.diagonal(compact))
        log_variances = log_variances.sum(axis=-1) if block.dims else log_variances
        n_scales = d if block.dims else 1
        each = (p + 1) * block.log_determinant(compact) - n_scales * np.log(2) - 0.5 * p * log_variances
        return np.asarray(each.sum(axis=-1) if batch else each)

    def conditional_mode(
        self, structure: Structure, counts: Array, scatter: Array, covariances: Array, nuisance: Nuisance
    ) -> Array:
        """Closed for scales alone; with correlations a climb by L-BFGS from the given covariances, matrix by matrix."""
        (k, d), law = covariances.shape[:2], self.law(structure, covariances.shape[-1])
        squares, rows = structure.block.reduce(scatter), counts * structure.block.multiplicity(d)
        if structure.is_shared:
            squares, rows = squares.sum(axis=0, keepdims=True), rows.sum(keepdims=True)
        if has_correlations(structure, d):
            begin = covariances[: len(rows)]
            compact = np.stack([self._climbed(law, *one) for one in zip(rows, squares, begin, strict=True)])
        else:
            q = structure.block.diagonal(squares)
            compact = structure.block.from_diagonal(law.conditional_mode(rows.reshape(-1, *[1] * (q.ndim - 1)), q) ** 2)
        return structure.expand(compact[0] if structure.is_shared else compact, k, d)

    def _climbed(self, law: ScalesLaw, count: float, scatter: Array, covariance: Array) -> Array:
        """The mode of one matrix, near the given one. Coordinates whitened by that one have no units and are nearly round.

        With Sigma = T E E' T', T T' the given matrix, the free entries are those of E, its diagonal by logarithm.
        """
        d, (units, correlations) = len(scatter), standardised(covariance)
        unit_root = np.linalg.cholesky(correlations)
        given, half = units[:, None] * unit_root, np.linalg.solve(unit_root, scatter / units[:, None] / units)
        scatter = np.linalg.solve(unit_root, half.T)
        lower = np.tril_indices(d)
        diagonal = np.flatnonzero(lower[0] == lower[1])

        def factor(free: Array) -> Array:
            entries = free.copy()
            entries[diagonal] = np.exp(entries[diagonal])
            matrix = np.zeros((d, d))
            matrix[lower] = entries
            return matrix

        def loss(free: Array) -> tuple[float, Array]:
            e = factor(free)
            scales = np.sqrt(((given @ e) ** 2).sum(axis=1))
            inverse = np.linalg.inv(e)
            precision = inverse.T @ inverse
            power = self.eta - 1 - count / 2
            value = 2 * power * free[diagonal].sum() - 0.5 * (precision * scatter).sum()
            value += (law.log_density(scales) - 2 * (self.eta - 1) * np.log(scales)).sum()
            slope = power * precision + 0.5 * precision @ scatter @ precision
            slope += given.T @ (((law.slope(scales) - 2 * (self.eta - 1) / scales) / (2 * scales))[:, None] * given)
            gradient = (2 * slope @ e)[lower]
            gradient[diagonal] *= np.exp(free[diagonal])
            return -value, -gradient

        begin = np.zeros(len(lower[0]))
        far = np.where(lower[0] == lower[1], *FARTHEST)

        def slope_within(free: Any) -> Any:
            return loss(np.clip(free, -far, far))[1]

        climbed = minimize(
            loss,
            begin,
            jac=True,
            method="L-BFGS-B",
            bounds=Bounds(-far, far),
            options={"ftol": 1e-9, "maxiter": 50},
        )
        # Values of the loss know half the digits of its minimum; the root of the gradient has the others.
        found = root(slope_within, climbed.x, tol=1e-12)
        best = found.x if found.success and (np.abs(found.x) <= far).all() and loss(found.x)[0] <= climbed.fun else climbed.x
        f = given @ factor(best)
        return np.asarray(f @ f.T)

    def sample(
        self, structure: Structure, n_components: int, n_features: int, rng: np.random.Generator
    ) -> tuple[Array, Nuisance]:
        batch, law = structure.batch(n_components), self.law(structure, n_features)
        entries = structure.block.entries(np.asarray(0.0), n_features).shape
        coordinates = {"scales": law.sample(batch + entries, rng)}
        if has_correlations(structure, n_features):
            coordinates["correlations"] = random_correlations(batch, n_features, self.eta, rng)
        return self.covariances(structure, coordinates, n_components, n_features), {}


def has_correlations(structure: Structure, n_features: int) -> bool:
    """Whether the matrices have entries off the diagonal."""
    return structure.block.order(n_features) > 1


def log_constant(d: int, eta: Any, gammaln: Callable[[Any], Any] = gammaln) -> Any:
    """Log of the factor that normalises |R|^(eta - 1) over correlation matrices of order d (LKJ 2009, eq. 16)."""
    k = np.arange(1, d)
    return (gammaln(eta + 0.5 * (d - 1)) - gammaln(eta + 0.5 * (d - 1 - k)) - 0.5 * k * np.log(np.pi)).sum()


def random_correlations(batch: tuple[int, ...], d: int, eta: float, rng: np.random.Generator) -> Array:
    """Draw correlation matrices (*batch, d, d) by the onion method: rows of the Cholesky factor are independent."""
    factor = np.zeros((*batch, d, d))
    factor[..., 0, 0] = 1.0
    for i in range(1, d):
        square = rng.beta(0.5 * i, eta + 0.5 * (d - 1 - i), size=batch)
        direction = rng.standard_normal((*batch, i))
        direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
        factor[..., i, :i] = np.sqrt(square)[..., None] * direction
        factor[..., i, i] = np.sqrt(1 - square)
    return np.asarray(factor @ np.swapaxes(factor, -1, -2))
