"""BayesianGaussianMixture: scikit-learn's class of that name, by draws from the posterior."""

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from sklearn.exceptions import ConvergenceWarning

from bayesgmm.covariance import Block, Full, Structure
from bayesgmm.diagnostics import ESS_PER_CHAIN, R_HAT, describe, label_free_quantities
from bayesgmm.draws import BLOCK_VALUES, Draws
from bayesgmm.engines import fit_bayes
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.posterior import Posterior, relabel
from bayesgmm.prior import Prior, require_priors
from bayesgmm.sklearn.em import best_ascent
from bayesgmm.sklearn.estimator import Array, MixtureEstimator
from bayesgmm.specification import Specification
from bayesgmm.starts import has_twins
from bayesgmm.streams import Use, stream
from bayesgmm.validation import finite_array, known_name, positive, positive_integer

PROCESS, DISTRIBUTION = "dirichlet_process", "dirichlet_distribution"


class BayesianGaussianMixture(MixtureEstimator):
    r"""The posterior of a Gaussian mixture, in the place of scikit-learn's ``BayesianGaussianMixture``.

    The prior is scikit-learn's: a Dirichlet law of the weights, :math:`\mu_k \mid \Sigma_k \sim \mathcal N(m_0,
    \Sigma_k/\kappa_0)` and :math:`\Sigma_k^{-1}` Wishart with :math:`\nu_0` degrees of freedom and scale :math:`W_0^{-1}`. In the
    place of a variational approximation, which takes parameters and allocations for independent, stand Gibbs draws of the
    posterior itself, relabelled by ECR; predictions are averages over them.

    Parameters
    ----------
    n_components : int
    covariance_type : str
        ``"full"``, ``"tied"``, ``"diag"``, ``"spherical"``, or another name of a structure for which priors are defined.
    tol, reg_covar, max_iter, n_init, init_params
        Of the EM fit that the first chain begins near, as in :class:`GaussianMixture`; the posterior does not depend on them,
        but that ``reg_covar`` is added to the variances in the default of ``covariance_prior``.
    weight_concentration_prior_type : {"dirichlet_process", "dirichlet_distribution"}
        The law of the weights has the same parameter e for each: gamma / K for ``"dirichlet_process"``, a sparse mixture that
        tends to the Dirichlet process as K grows (Ishwaran & Zarepour 2002), where scikit-learn truncates the breaking of a
        stick; and gamma itself for ``"dirichlet_distribution"``.
    weight_concentration_prior : float, optional
        gamma; None: 1 / K.
    mean_precision_prior : float, optional
        kappa0, in rows; None: 1.
    mean_prior : array-like of shape (n_features,), optional
        m0; None: the mean of the data.
    degrees_of_freedom_prior : float, optional
        nu0, above d - 1; None: d.
    covariance_prior : float or array-like, optional
        W0, in squared units of the data: of shape (d, d) for full matrices, (d,) for diagonal ones, one number for spherical
        ones; None: the covariance of the data.
    random_state : int, RandomState or None
    warm_start : bool
        Begin near the last estimate where there is one.
    verbose : int
        Print as :class:`GaussianMixture` does, and show how far the chains are.
    verbose_interval : int
        Iterations of EM from one print to the next.
    draws, tune, chains : int
        Of each chain, draws kept and draws to settle in; and the number of chains.
    thin : int, optional
        Sweeps for each draw; None: as :func:`bayesgmm.fit_bayes` chooses.

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
        Posterior means.
    means_, covariances_, precisions_, precisions_cholesky_ : ndarray
        In the shapes of :class:`GaussianMixture`. Of the normal law whose log density is, up to a constant, the posterior mean of
        the component's: precision E[P_k], mean E[P_k]^-1 E[P_k mu_k]. For a variational posterior these are the numbers that
        scikit-learn gives, and they are finite where means and covariances of an empty component have no expectation.
    posterior_ : Posterior
        All draws, relabelled: ``diagnosis``, ``summary()`` and everything else that the package says of a posterior.
    converged_ : bool
        Whether the chains agree on what does not depend on labels. Whether components may be believed, ``posterior_.diagnosis``
        says.
    n_iter_ : int
        Draws of each chain, those to settle in among them.
    weight_concentration_prior_, mean_precision_prior_, mean_prior_, degrees_of_freedom_prior_, covariance_prior_
        The prior's numbers, whether given or not.
    weight_concentration_, mean_precision_ : ndarray of shape (n_components,)
        Of the full conditional laws at the expected counts of rows n_k: e + n_k and kappa0 + n_k.
    degrees_of_freedom_ : ndarray of shape (n_components,), or float where matrices are shared
        nu0 + n_k, or nu0 + n.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        If the chains do not agree.

    Notes
    -----
    There is no ``lower_bound_``, for nothing is bounded: :func:`bayesgmm.log_marginal_likelihood` of ``posterior_`` estimates the
    evidence itself. Shared matrices (``"tied"``) have one prior and not, as in scikit-learn, the K-th part of the data each.

    References
    ----------
    Diebolt & Robert (1994), doi:10.1111/j.2517-6161.1994.tb01985.x. Ishwaran & Zarepour (2002), Exact and approximate
    sum representations for the Dirichlet process, doi:10.2307/3315951. Papastamoulis (2016), doi:10.18637/jss.v069.c01.

    Examples
    --------
    >>> from bayesgmm import load_dataset
    >>> bgm = BayesianGaussianMixture(n_components=4, random_state=0).fit(load_dataset("faithful"))
    >>> bgm.n_iter_, bgm.weights_.shape, int((bgm.weights_ > 0.05).sum())
    (750, (4,), 2)
    """

    def __init__(
        self,
        *,
        n_components: int = 1,
        covariance_type: str = "full",
        tol: float = 1e-3,
        reg_covar: float = 1e-6,
        max_iter: int = 100,
        n_init: int = 1,
        init_params: str = "kmeans",
        weight_concentration_prior_type: str = PROCESS,
        weight_concentration_prior: float | None = None,
        mean_precision_prior: float | None = None,
        mean_prior: Any = None,
        degrees_of_freedom_prior: float | None = None,
        covariance_prior: Any = None,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: int = 0,
        verbose_interval: int = 10,
        draws: int = 500,
        tune: int = 250,
        chains: int = 4,
        thin: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.weight_concentration_prior_type = weight_concentration_prior_type
        self.weight_concentration_prior = weight_concentration_prior
        self.mean_precision_prior = mean_precision_prior
        self.mean_prior = mean_prior
        self.degrees_of_freedom_prior = degrees_of_freedom_prior
        self.covariance_prior = covariance_prior
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval
        self.draws = draws
        self.tune = tune
        self.chains = chains
        self.thin = thin

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002  pipelines pass it
        """Draw from the posterior.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : None
            Not used.

        Returns
        -------
        BayesianGaussianMixture
            Itself.

        Raises
        ------
        ValueError
            If the data or a parameter are not usable, such as a column that does not vary.
        """
        rows = self._observations(X)
        observations = Observations.from_data(rows.values, names=rows.names)  # the door that asks whether columns vary
        rules, narrator, seed, structure = self._rules(), self._narrator(), self._seed(), self._form.structure
        require_priors(structure)
        starts = self._starts(observations, rules, seed)
        prior = self._prior(observations, structure)
        em = best_ascent(observations, Specification(self.n_components, structure.code), starts, rules, narrator)
        drawn = fit_bayes(
            observations,
            self.n_components,
            structure.code,
            prior,
            warm_start=None if has_twins(em.mixture) else em.mixture,
            draws=self.draws,
            tune=self.tune,
            chains=self.chains,
            seed=seed,
            progress=bool(self.verbose),
            thin=self.thin,
        )
        self.posterior_ = relabel(drawn)
        self.__dict__.update(self._form.attributes(point_estimate(self.posterior_.draws)))
        self.n_iter_ = self.draws + self.tune
        self._set_conditionals(self.posterior_.draws.responsibilities(observations.values)[0].sum(axis=0), structure)
        complaint = disagreement(self.posterior_)
        self.converged_ = not complaint
        if complaint:
            warnings.warn(complaint, ConvergenceWarning, stacklevel=2)
        return self

    def score_samples(self, X: Any) -> Array:
        """Log posterior predictive density of each row in nats, shape (n_samples,)."""
        rows, draws = self._rows(X), self.posterior_.draws
        n_draws = draws.shape[0] * draws.shape[1]
        step = max(1, BLOCK_VALUES // n_draws)
        blocks = [logsumexp(draws.log_density(rows[i : i + step]), axis=(0, 1)) for i in range(0, len(rows), step)]
        return np.asarray(np.concatenate(blocks) - np.log(n_draws))

    def predict_proba(self, X: Any) -> Array:
        """Posterior probability that each row came from each component, shape (n_samples, n_components)."""
        rows = self._rows(X)
        return self.posterior_.draws.responsibilities(rows)[0]

    def sample(self, n_samples: int = 1) -> tuple[Array, NDArray[np.int64]]:
        """Draw rows (n_samples, n_features), each from the mixture of a random draw, and the component of each (n_samples,)."""
        draws = self._fitted_draws()
        n_samples, rng = positive_integer(n_samples, "n_samples"), stream(self._seed(), Use.SAMPLE)
        weights, means, covariances = (_flat(part) for part in (draws.weights, draws.means, draws.covariances))
        chosen = rng.integers(len(weights), size=n_samples)
        labels = (rng.random(n_samples)[:, None] > weights[chosen].cumsum(axis=1)[:, :-1]).sum(axis=1)
        noise = rng.standard_normal((n_samples, means.shape[2], 1))
        roots = np.linalg.cholesky(covariances[chosen, labels])
        return means[chosen, labels] + (roots @ noise)[..., 0], labels

    def _fitted_draws(self) -> Draws:
        _ = self.mixture_  # which says so where nothing is fitted
        posterior: Posterior = self.posterior_
        return posterior.draws

    def _prior(self, observations: Observations, structure: Structure) -> Prior:
        """The prior, from what is given or from the data; its numbers are set as attributes."""
        k, d, block = self.n_components, observations.n_features, structure.block
        kind = known_name(self.weight_concentration_prior_type, "weight_concentration_prior_type", [PROCESS, DISTRIBUTION])
        self.weight_concentration_prior_ = _given(self.weight_concentration_prior, "weight_concentration_prior", 1 / k)
        self.mean_precision_prior_ = _given(self.mean_precision_prior, "mean_precision_prior", 1.0)
        self.degrees_of_freedom_prior_ = _given(self.degrees_of_freedom_prior, "degrees_of_freedom_prior", float(d))
        if self.degrees_of_freedom_prior_ <= d - 1:
            raise ValueError(
                f"degrees_of_freedom_prior must be above the number of features less one, {d - 1}, got "
                f"{self.degrees_of_freedom_prior_:g}."
            )
        self.mean_prior_ = observations.mean if self.mean_prior is None else finite_array(self.mean_prior, "mean_prior", (d,))
        self.covariance_prior_ = self._covariance_prior(observations, block)
        self._each_weight = self.weight_concentration_prior_ / (k if kind == PROCESS else 1)
        # A row counts d times for the one variance of a spherical matrix, and so does each of the prior's nu0 rows.
        half = block.multiplicity(d) / 2
        return Prior.normal_inverse_wishart(
            self.mean_prior_,
            self.mean_precision_prior_,
            half * self.degrees_of_freedom_prior_,
            half * self.covariance_prior_,
            self._each_weight,
        )

    def _covariance_prior(self, observations: Observations, block: Block) -> Any:
        """W0: (d, d), (d,) or a number."""
        d = observations.n_features
        if self.covariance_prior is not None:
            return finite_array(self.covariance_prior, "covariance_prior", (d,) * len(block.dims))[()]
        n = observations.n_observations
        covariance = observations.covariance * n / (n - 1) + self.reg_covar * np.eye(d)
        return block.compact(covariance)[()]

    def _set_conditionals(self, counts: Array, structure: Structure) -> None:
        """The numbers of the full conditional laws at these counts of rows."""
        self.weight_concentration_ = self._each_weight + counts
        self.mean_precision_ = self.mean_precision_prior_ + counts
        self.degrees_of_freedom_ = self.degrees_of_freedom_prior_ + (float(counts.sum()) if structure.is_shared else counts)


def point_estimate(draws: Draws) -> Mixture:
    """The mixture of the components' mean log densities and mean weights, of relabelled draws."""
    weights, means, precisions = _flat(draws.weights), _flat(draws.means), Full().invert(_flat(draws.covariances))
    precision = precisions.mean(axis=0)
    moved = (precisions @ means[..., None]).mean(axis=0)
    mean = np.linalg.solve(precision, moved)[..., 0]
    share = weights.mean(axis=0)
    return Mixture(share / share.sum(), mean, draws.structure.tied(Full().invert(precision)), draws.structure)


def disagreement(posterior: Posterior) -> str:
    """Why chains have not converged on what does not depend on labels, with what to do; nothing where they have."""
    values = posterior.observations.values
    table = describe(label_free_quantities(posterior.draws, values, posterior.total_log_likelihood), 0.9)
    worst, least = float(table["r_hat"].max()), float(table[["ess_bulk", "ess_tail"]].min(axis=None))
    enough = ESS_PER_CHAIN * posterior.n_chains
    if posterior.n_chains > 1 and worst <= R_HAT and least >= enough:
        return ""
    return (
        f"The chains have not converged: largest R-hat {worst:.3f} (at most {R_HAT}), smallest effective number of draws "
        f"{least:.0f} (at least {enough}), chains {posterior.n_chains} (at least 2). Raise draws (now {posterior.n_draws}) and "
        "tune, or use fewer components."
    )


def _given(value: float | None, what: str, default: float) -> float:
    return default if value is None else positive(value, what)


def _flat(array: Array) -> Array:
    """Draws of all chains one after the other."""
    return array.reshape(-1, *array.shape[2:])
