"""What the two classes have in common: how data and seeds come in, and what follows from densities and shares."""

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.sklearn.em import Narrator, Rules
from bayesgmm.sklearn.form import Form
from bayesgmm.sklearn.start import STARTS, started
from bayesgmm.sources import Source
from bayesgmm.streams import Use, stream
from bayesgmm.table import Table
from bayesgmm.validation import known_name, non_negative, positive_integer

type Array = NDArray[np.float64]

LEAST_ROWS = 2  # as in scikit-learn


class MixtureEstimator(DensityMixin, BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn has no types
    """A mixture class of scikit-learn's kind."""

    n_components: int
    covariance_type: str
    tol: float
    reg_covar: float
    max_iter: int
    n_init: int
    init_params: str
    random_state: Any
    warm_start: bool
    verbose: int
    verbose_interval: int

    @abstractmethod
    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit to data of shape (n_samples, n_features); ``y`` is not used."""

    @abstractmethod
    def score_samples(self, X: Any) -> Array:
        """Log density of each row in nats, shape (n_samples,)."""

    @abstractmethod
    def predict_proba(self, X: Any) -> Array:
        """Probability that each row came from each component, shape (n_samples, n_components)."""

    @abstractmethod
    def sample(self, n_samples: int = 1) -> tuple[Array, NDArray[np.int64]]:
        """Draw rows, and the component that each came from."""

    def fit_predict(self, X: Any, y: Any = None) -> NDArray[np.int64]:
        """Fit, and give the most probable component of each row, shape (n_samples,)."""
        return self.fit(X, y).predict(X)

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Most probable component of each row, shape (n_samples,)."""
        return np.asarray(self.predict_proba(X).argmax(axis=1))

    def score(self, X: Any, y: Any = None) -> float:  # noqa: ARG002  pipelines pass it
        """Mean log density of a row in nats, higher is better; ``y`` is not used."""
        return float(self.score_samples(X).mean())

    @property
    def mixture_(self) -> Mixture:
        """The point estimate as a :class:`bayesgmm.Mixture`, which other functions of the package take."""
        check_is_fitted(self)
        covariances = self._form.expanded(self.covariances_, *self.means_.shape)
        return Mixture(np.array(self.weights_), np.array(self.means_), covariances, self._form.structure)

    @property
    def _form(self) -> Form:
        return Form(self.covariance_type)

    def _rules(self) -> Rules:
        """The settings of EM, checked."""
        max_iter = 0 if self.max_iter == 0 else positive_integer(self.max_iter, "max_iter")
        return Rules(non_negative(self.reg_covar, "reg_covar"), non_negative(self.tol, "tol"), max_iter)

    def _narrator(self) -> Narrator:
        return Narrator(int(self.verbose), positive_integer(self.verbose_interval, "verbose_interval"))

    def _observations(self, X: Any) -> Observations:
        """The rows to fit to; whether columns vary is not asked."""
        if isinstance(X, Source):
            raise TypeError(
                f"Estimators take rows in memory, not a {type(X).__name__}: give blocks of them to partial_fit of "
                "GaussianMixture, or the source to bayesgmm.fit_em."
            )
        values = validate_data(self, X, dtype=np.float64, order="C", ensure_min_samples=LEAST_ROWS)
        table = Table.of(values, tuple(map(str, getattr(self, "feature_names_in_", ()))))
        n, k = len(table.values), positive_integer(self.n_components, "n_components")
        if n < k:
            raise ValueError(f"{n} rows cannot be told apart into {k} components: use at most {n} or give more rows.")
        return Observations(table.values, np.broadcast_to(1.0, (n,)), table.names)

    def _rows(self, X: Any) -> Array:
        """Rows to say something of."""
        check_is_fitted(self)
        return np.asarray(validate_data(self, X, reset=False, dtype=np.float64, order="C"))

    def _seed(self) -> np.random.SeedSequence:
        """The root of the random streams, from whatever scikit-learn takes as ``random_state``."""
        drawn = check_random_state(self.random_state).randint(0, 2**32, size=4, dtype=np.uint64)
        return np.random.SeedSequence([int(number) for number in drawn])

    def _starts(self, observations: Observations, rules: Rules, seed: np.random.SeedSequence) -> list[Mixture]:
        """Starts of EM: the last estimate under ``warm_start``, otherwise ``n_init`` of the kind ``init_params``."""
        k, name = self.n_components, known_name(self.init_params, "init_params", STARTS)
        n_init = positive_integer(self.n_init, "n_init")
        if self._goes_on:
            shape = (k, observations.n_features)
            if self.means_.shape != shape:
                raise ValueError(
                    f"warm_start goes on from means of shape {self.means_.shape}, the data and n_components ask for {shape}: "
                    "set warm_start=False, or give data and a number as before."
                )
            return [self.mixture_]
        structure = self._form.structure
        return [started(name, observations, k, structure, rules, stream(seed, Use.EM_START, i)) for i in range(n_init)]

    @property
    def _goes_on(self) -> bool:
        return bool(self.warm_start) and hasattr(self, "weights_")
