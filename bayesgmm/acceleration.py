r"""Anderson's acceleration of EM: from the last iterates and what EM made of them, where EM is going.

EM maps a mixture :math:`\theta` to its image :math:`G(\theta)`; near an optimum the map is all but linear. With the steps
:math:`f_s = G(\theta_s) - \theta_s` of the last iterates, the combination of images whose combined step is shortest is a far
better guess of the fixed point than the last image. Nothing here knows the data or the prior: whether a guess is better is for
the objective to say.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesgmm import kernels
from bayesgmm.mixture import Mixture

MEMORY = 6  # iterates; more are not alike enough for one linear map
PLAIN = 5  # iterates from a start before the first guess: far from an optimum the map is not linear
WORST_CONDITION = 1e4  # of the steps' differences: directions in which they do not differ more than that say nothing
MOST_PATIENCE = 5  # after many lost guesses the next one waits for 2^MOST_PATIENCE iterates
LEAST_WEIGHT = 1e-8  # with a component that is all but empty the map is not linear: its logs go to minus infinity
MOST_COORDINATES = 1000  # by whose differences a derivative is learnt
DIFFERENCE = 1e-5
FARTHEST = 20.0, 1e6  # that a guess may move the log of a diagonal entry of a factor, and another entry


class Patience:
    """How many iterates the next guess waits for: twice as many after each one lost in a row.

    Attributes
    ----------
    losses : int
        Guesses in a row that were worse than the iterate before them.
    """

    def __init__(self, plain: float = 0.0) -> None:
        self._waits, self.losses = plain, 0

    def is_over(self) -> bool:
        """Whether a guess may be made of the iterate that has come."""
        if self._waits > 0:
            self._waits -= 1
            return False
        return True

    def won(self, rest: int) -> None:
        """The last guess was no worse than the iterate before it; the next one is not made before ``rest`` iterates."""
        self._waits, self.losses = rest, 0

    def lost(self) -> None:
        """The last guess was worse."""
        self.losses += 1
        self._waits = 2.0 ** min(self.losses, MOST_PATIENCE)


class Anderson:
    """The last iterates, and guesses from them.

    Guesses that lose are answered by forgetting all iterates, since the map was not linear there, and by waiting.

    References
    ----------
    Walker & Ni (2011), doi:10.1137/10078356X. Henderson & Varadhan (2019), doi:10.1080/10618600.2019.1594835, for EM.
    """

    is_steady = False  # a guess may gain next to nothing, and the next one much

    def __init__(self, plain: float = PLAIN) -> None:
        self._chart: Chart | None = None
        self._seen, self._n_seen = np.empty((2, 0, 0)), 0  # points and their images
        self._image: Mixture | None = None  # the last, which is the next point where EM goes on by itself
        self._images_place = np.empty(0)
        self._patience = Patience(plain)

    def guess(self, mixture: Mixture, image: Mixture) -> Mixture | None:
        """Learn that EM maps ``mixture`` to ``image``; where EM is going, or None while nothing can be said."""
        if not self._patience.is_over():
            return None
        if image.all_weights.min() < LEAST_WEIGHT or (self._chart is None and mixture.all_weights.min() < LEAST_WEIGHT):
            self._forget()
            return None
        if self._chart is None:  # later points are images or guesses, whose own images tell
            self._chart = Chart(mixture)
        point = self._images_place if mixture is self._image else self._chart.coordinates(mixture)
        self._image, self._images_place = image, self._chart.coordinates(image)
        self._remember(point, self._images_place)
        if self._n_seen < 2:
            return None
        points, images = self._seen[:, : self._n_seen]
        return self._chart.mixture(kernels.shortest_step(points, images, WORST_CONDITION))

    def won(self, rest: int = 0) -> None:
        """The last guess was no worse than the iterate before it; the next one is not made before ``rest`` iterates."""
        self._patience.won(rest)

    def lost(self) -> None:
        """The last guess was worse."""
        self._forget()
        self._patience.lost()

    def _remember(self, point: NDArray[np.float64], image: NDArray[np.float64]) -> None:
        """Add an iterate, in the place of the oldest where there are many."""
        if self._n_seen == 0:
            self._seen = np.empty((2, MEMORY, len(point)))
        if self._n_seen == MEMORY:
            self._seen[:, :-1] = self._seen[:, 1:]
        else:
            self._n_seen += 1
        self._seen[:, self._n_seen - 1] = point, image

    def _forget(self) -> None:
        self._chart, self._image, self._n_seen = None, None, 0


@dataclass(frozen=True, eq=False)
class Derivative:
    """What EM's map of some rows is like at its fixed point.

    Attributes
    ----------
    chart : Chart
        Around that point.
    inverse : ndarray of shape (n_coordinates, n_coordinates)
        Of I - J, with J the derivative of the map.
    """

    chart: "Chart"
    inverse: NDArray[np.float64]

    @classmethod
    def at(cls, fixed: Mixture, map_of: Callable[[Mixture], Mixture]) -> "Derivative | None":
        """Learn it by differences, one pass for each coordinate; None where it makes no sense."""
        if fixed.all_weights.min() < LEAST_WEIGHT:
            return None
        chart = Chart(fixed)
        origin = chart.coordinates(fixed)
        if len(origin) > MOST_COORDINATES:
            return None
        image, slopes = chart.coordinates(map_of(fixed)), np.empty((len(origin), len(origin)))
        for j in range(len(origin)):
            moved = origin.copy()
            moved[j] += DIFFERENCE
            mixture = chart.mixture(moved)
            if mixture is None:
                return None
            slopes[:, j] = (chart.coordinates(map_of(mixture)) - image) / DIFFERENCE
        try:
            return cls(chart, np.linalg.inv(np.eye(len(origin)) - slopes))
        except np.linalg.LinAlgError:
            return None


class Newton:
    r"""Guesses by the derivative J of EM's map, which was learnt on a part of the rows.

    A guess is

    .. math:: \theta + (I - J)^{-1}(G(\theta) - \theta),

    a step of Newton's for the map of all rows, but for the difference between their J and the part's. Each brings the estimate
    nearer by about the square root of the number of rows in the part, whichever way it was off.
    """

    def __init__(self, derivative: Derivative) -> None:
        self._derivative, self._patience = derivative, Patience()

    @property
    def is_steady(self) -> bool:
        """Whether guesses gain as a geometric series does, from which the gain still to come can be told."""
        return not self._patience.losses

    def guess(self, mixture: Mixture, image: Mixture) -> Mixture | None:
        """Where EM is going; None after a loss, for a while."""
        if not self._patience.is_over():
            return None
        chart = self._derivative.chart
        at = chart.coordinates(mixture)
        return chart.mixture(at + self._derivative.inverse @ (chart.coordinates(image) - at))

    def won(self, rest: int = 0) -> None:
        """The last guess was no worse than the iterate before it; the next one is not made before ``rest`` iterates."""
        self._patience.won(rest)

    def lost(self) -> None:
        """The last guess was worse."""
        self._patience.lost()


class Chart:
    r"""Mixtures as vectors, in which lengths mean the same for each parameter: squared, near the origin, twice the divergence.

    Around a reference with :math:`\Sigma_k = C_k C_k'` they are :math:`\sqrt{w_k}` times the log weight,
    :math:`C_k^{-1}(\mu_k - \mu_k^{ref})`, and the entries of :math:`C_k^{-1}` times the factor of the other covariance: the
    diagonal's as :math:`\sqrt 2 \log`, the ones below it. So the units of the data mean nothing. Noise adds its weight's.
    """

    def __init__(self, reference: Mixture) -> None:
        self._structure, self._centres, self._near = reference.structure, reference.means, reference.covariances
        self._roots = np.linalg.cholesky(reference.covariances)
        self._inverses = np.linalg.inv(self._roots)
        self._importance, self._noise = np.sqrt(reference.weights), reference.noise
        self._noise_importance = math.sqrt(reference.noise_weight)

    def coordinates(self, mixture: Mixture) -> NDArray[np.float64]:
        """The vector of a mixture, K (1 + d + d (d + 1) / 2) numbers, and one for noise."""
        arguments = mixture.weights, mixture.means, mixture.covariances, self._centres, self._inverses, self._importance
        vector = kernels.coordinates(*arguments).ravel()
        if self._noise is not None:
            vector = np.append(vector, self._noise_importance * math.log(mixture.noise_weight))
        return np.asarray(vector)

    def mixture(self, coordinates: NDArray[np.float64]) -> Mixture | None:
        """The mixture of a vector, made to be of the structure; None where it is out of all bounds."""
        rows, log_noise = coordinates, -math.inf
        if self._noise is not None:
            rows, log_noise = coordinates[:-1], coordinates[-1] / self._noise_importance
        around = self._importance, self._centres, self._roots, log_noise
        inside, weights, means, scatter = kernels.charted(rows.reshape(len(self._centres), -1), *around, *FARTHEST)
        if not inside:
            return None
        tied = self._structure.m_step(weights[:-1], scatter, near=self._near)
        noise_weight = 0.0 if self._noise is None else float(weights[-1])
        return Mixture(weights[:-1], means, tied, self._structure, self._noise, noise_weight)
