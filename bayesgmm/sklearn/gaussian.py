"""GaussianMixture: scikit-learn's class of that name."""

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.sklearn.em import best_ascent, require_factors
from bayesgmm.sklearn.estimator import Array, MixtureEstimator
from bayesgmm.specification import Specification
from bayesgmm.stepwise import StepwiseEM
from bayesgmm.validation import finite_array, positive_integer


class GaussianMixture(MixtureEstimator):
    r"""A Gaussian mixture fitted by EM, in the place of scikit-learn's ``GaussianMixture``.

    From the same start its iterates are scikit-learn's: ``reg_covar`` is added to the variances in each M-step,
    :math:`\Sigma_k = S_k / n_k + \epsilon I`, and a run stops when the mean log-likelihood of a row changes by less than ``tol``.
    The pass over the data is this package's, and so are the starts, all covariance structures, and the judgement of whether a
    component has collapsed.

    Parameters
    ----------
    n_components : int
    covariance_type : str
        ``"full"``, ``"tied"``, ``"diag"``, ``"spherical"``, or any other name of a covariance structure, such as ``"VEE"``.
    tol : float
        Change of the mean log-likelihood of a row, in nats, below which a run has converged.
    reg_covar : float
        Added to the variances, in squared units of the data. With 0 it is maximum likelihood.
    max_iter : int
    n_init : int
        Starts. The highest wins, among those in which no component collapsed where there are any.
    init_params : {"kmeans", "k-means++", "random", "random_from_data"}
        The first two: k-means++ seeds improved by a few Lloyd steps on standardised columns. The others: random rows as means.
        Either way components begin with one covariance.
    weights_init : array-like of shape (n_components,), optional
    means_init : array-like of shape (n_components, n_features), optional
    precisions_init : array-like, optional
        In the shape of ``precisions_``. What is given takes the place of that part of each start.
    random_state : int, RandomState or None
    warm_start : bool
        Go on from the last estimate where there is one; ``n_init`` does not count then.
    verbose : int
        1: print starts and iterations; 2: with times and gains.
    verbose_interval : int
        Iterations from one print to the next.

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
    means_ : ndarray of shape (n_components, n_features)
    covariances_, precisions_, precisions_cholesky_ : ndarray
        Of shape (n_components, n_features, n_features) for ``"full"`` and all names that are not scikit-learn's, (n_features,
        n_features) for ``"tied"``, (n_components, n_features) for ``"diag"``, (n_components,) for ``"spherical"``. The roots are
        upper triangular, P = U U'.
    converged_ : bool
        Whether the run that won met ``tol`` and no component of it collapsed.
    n_iter_ : int
        Of the run that won.
    lower_bound_ : float
        Mean log-likelihood of a row before the last M-step, in nats.
    lower_bounds_ : list of float
        The same at each iteration.
    mixture_ : Mixture
        The estimate as other functions of the package take it: ``fit_em(X, n_components, start=gm.mixture_)``.
    n_samples_seen_ : int
        Rows of all batches, after :meth:`partial_fit`.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Where the data have names.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        If the run that won was still changing, or a component of it has collapsed: it holds too few rows to have a covariance
        of its own, or has no extent in some direction, so that ``reg_covar`` and not the data decide what it is.

    References
    ----------
    Dempster, Laird & Rubin (1977), doi:10.1111/j.2517-6161.1977.tb01600.x.

    Examples
    --------
    >>> from bayesgmm import load_dataset
    >>> gm = GaussianMixture(2, random_state=0).fit(load_dataset("faithful"))
    >>> gm.means_.round(1)[gm.weights_.argsort()]
    array([[ 2. , 54.5],
           [ 4.3, 80. ]])
    """

    _stream: StepwiseEM | None = None  # what partial_fit goes on from

    def __init__(
        self,
        n_components: int = 1,
        *,
        covariance_type: str = "full",
        tol: float = 1e-3,
        reg_covar: float = 1e-6,
        max_iter: int = 100,
        n_init: int = 1,
        init_params: str = "kmeans",
        weights_init: Any = None,
        means_init: Any = None,
        precisions_init: Any = None,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: int = 0,
        verbose_interval: int = 10,
    ) -> None:
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.weights_init = weights_init
        self.means_init = means_init
        self.precisions_init = precisions_init
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002  pipelines pass it
        """Fit by EM.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : None
            Not used.

        Returns
        -------
        GaussianMixture
            Itself.

        Raises
        ------
        ValueError
            If the data or a parameter are not usable, or a covariance becomes singular with too small a ``reg_covar``.
        """
        self._climb(self._observations(X))
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002  pipelines pass it
        """Learn from another batch of rows, which are seen this once: stepwise EM, see :class:`bayesgmm.StepwiseEM`.

        The first batch is fitted as :meth:`fit` would, and must be large enough to tell the components apart. Parameters follow
        each batch and ``n_samples_seen_`` counts its rows; other attributes tell of the first one. Where all rows can be read
        again, :meth:`fit` with ``warm_start=True`` goes on from there to the optimum.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : None
            Not used.

        Returns
        -------
        GaussianMixture
            Itself.

        Raises
        ------
        ValueError
            If the rows or a parameter are not usable, or a covariance becomes singular with too small a ``reg_covar``.
        """
        stream = self._stream
        if stream is None:
            observations = self._observations(X)
            self._climb(observations)
            ridge = self._rules().ridge(observations.n_features)
            stream = StepwiseEM.begun(observations, self._specification, self.mixture_, ridge=ridge)
        else:
            stream = stream.step(self._rows(X))
            require_factors(stream.mixture, self._rules())
        self.__dict__.update(self._form.attributes(stream.mixture))
        self._stream, self.n_samples_seen_ = stream, stream.n_rows
        return self

    def _climb(self, observations: Observations) -> None:
        """Fit by EM to rows that have been checked."""
        rules, narrator = self._rules(), self._narrator()
        specification = self._specification
        before: float = vars(self).get("lower_bound_", -np.inf) if self._goes_on else -np.inf
        starts = self._starts(observations, rules, self._seed())
        if not self._goes_on:
            starts = [self._with_given_parts(start) for start in starts]
        best = best_ascent(observations, specification, starts, rules, narrator, before)
        self.__dict__.update(self._form.attributes(best.mixture))
        self.converged_ = best.settled and not best.collapse
        self.n_iter_ = len(best.lower_bounds)
        self.lower_bound_ = best.lower_bound
        self.lower_bounds_ = list(best.lower_bounds)
        self._stream = None
        if best.complaint:
            warnings.warn(best.complaint, ConvergenceWarning, stacklevel=3)

    @property
    def _specification(self) -> Specification:
        return Specification(self.n_components, self._form.structure.code)

    def score_samples(self, X: Any) -> Array:
        """Log density of each row in nats, shape (n_samples,)."""
        return self.mixture_.log_density(self._rows(X))

    def predict_proba(self, X: Any) -> Array:
        """Probability that each row came from each component, shape (n_samples, n_components)."""
        return self.mixture_.responsibilities(self._rows(X))

    def sample(self, n_samples: int = 1) -> tuple[Array, NDArray[np.int64]]:
        """Draw rows (n_samples, n_features), in random order, and the component of each (n_samples,)."""
        return self.mixture_.sample(positive_integer(n_samples, "n_samples"), self._seed())

    def bic(self, X: Any) -> float:
        r""":math:`-2L + p\log n` on these data, lower is better."""
        densities = self.score_samples(X)
        return float(-2 * densities.sum() + self._n_parameters() * np.log(len(densities)))

    def aic(self, X: Any) -> float:
        r""":math:`-2L + 2p` on these data, lower is better."""
        return float(-2 * self.score_samples(X).sum() + 2 * self._n_parameters())

    def _n_parameters(self) -> int:
        """p: free parameters."""
        k, d = self.means_.shape
        return Specification(k, self._form.structure.code).n_parameters(d)

    def _with_given_parts(self, start: Mixture) -> Mixture:
        """A start in which the parts that the user gave have taken their places."""
        if self.weights_init is None and self.means_init is None and self.precisions_init is None:
            return start
        k, d = start.means.shape
        weights, means, covariances = start.weights, start.means, start.covariances
        if self.weights_init is not None:
            weights = finite_array(self.weights_init, "weights_init", (k,))
        if self.means_init is not None:
            means = finite_array(self.means_init, "means_init", (k, d))
        if self.precisions_init is not None:
            covariances = self._form.inverted(self.precisions_init, "precisions_init", k, d)
        return Mixture.from_parameters(weights, means, covariances, self._form.structure.code)
