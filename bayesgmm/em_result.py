"""EMResult: the best optimum that EM found, and what follows from it."""

import math
import os
import warnings
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesgmm.climb import Run, Status
from bayesgmm.files import require_free, write_sealed
from bayesgmm.information import NoInformationError, StandardErrors, normal_interval, observed_information
from bayesgmm.mixture import Mixture
from bayesgmm.observations import Observations
from bayesgmm.prior import Nuisance
from bayesgmm.saving.em import pack
from bayesgmm.sources import Sums
from bayesgmm.specification import Specification

CLASSIFIED_ROWS = 65_536  # rows whose responsibilities are held at a time


class ConvergenceWarning(UserWarning):
    """EM did not end at an interior optimum."""


@dataclass(frozen=True, eq=False)
class EMResult:
    """The best optimum that EM found.

    Attributes
    ----------
    specification : Specification
    observations : Observations
    best : Run
        The run that won. What follows up to ``history`` is its.
    mixture : Mixture
    nuisance : dict of ndarray
        Variables of the prior that the mixture does not hold, at the mode; empty without a prior.
    log_likelihood : float
        L at the mixture, in nats, for densities in the data's units.
    objective : float
        Log-likelihood plus log prior: what was maximised.
    n_iterations : int
    n_passes : int
        Passes over the data, of all runs together.
    status : Status
    detail : str
        How the run ended, with the numbers.
    history : ndarray of shape (n_iterations + 1,)
        The objective at each iterate.
    runs : tuple of Run
        From each start, the winner among them.
    n_starts : int
        Different starts there were; more than ``runs`` where Ctrl-C came first.
    n_pilot_rows : int
        Rows that were read before these runs, to find their start.
    n_rows_read : int
        In all passes, and before them; but for the one reading by which rows that are not in memory are checked.
    aic, bic, icl, icl_entropy : float
        Lower is better. NaN where a component collapsed. With a prior they are taken at the MAP's log-likelihood
        (Fraley & Raftery 2007, doi:10.1007/s00357-007-0004-5).
    """

    specification: Specification
    observations: Observations
    best: Run
    runs: tuple[Run, ...]
    n_starts: int
    n_pilot_rows: int = 0

    @property
    def mixture(self) -> Mixture:
        """The estimate."""
        return self.best.mixture

    @property
    def nuisance(self) -> Nuisance:
        """Variables of the prior that the mixture does not hold."""
        return self.best.nuisance

    @property
    def log_likelihood(self) -> float:
        """L at the mixture, in nats."""
        return self.best.log_likelihood

    @property
    def objective(self) -> float:
        """Log-likelihood plus log prior."""
        return self.best.objective

    @property
    def status(self) -> Status:
        """How the winning run ended."""
        return self.best.status

    @property
    def detail(self) -> str:
        """The same in a sentence with the numbers."""
        return self.best.detail

    @cached_property
    def history(self) -> NDArray[np.float64]:
        """The objective at each iterate, shape (n_iterations + 1,)."""
        return np.array(self.best.history)

    @property
    def classification(self) -> float:
        r""":math:`\sum_i v_i \log\max_k r_{ik}`, over the rows of unknown component."""
        return self._certainties[0]

    @property
    def entropy(self) -> float:
        r""":math:`-\sum_{ik} v_i r_{ik} \log r_{ik}`, over the rows of unknown component."""
        return self._certainties[1]

    @cached_property
    def _certainties(self) -> tuple[float, float]:
        classification, entropy = self.observations.reduced(partial(_certainty, self.mixture))
        return classification, entropy

    @property
    def n_observations(self) -> int:
        """Rows, whatever their weights."""
        return self.observations.n_observations

    @property
    def n_iterations(self) -> int:
        """Iterates of the winning run after its start."""
        return len(self.history) - 1

    @property
    def n_passes(self) -> int:
        """Passes over the data, of all runs together."""
        return sum(run.n_passes for run in self.runs)

    @property
    def n_rows_read(self) -> int:
        """Rows in all passes, and before them."""
        return self.n_passes * self.n_observations + self.n_pilot_rows

    @property
    def converged(self) -> bool:
        """Whether the winning run met the tolerance."""
        return self.status is Status.CONVERGED

    @property
    def partial(self) -> bool:
        """Whether Ctrl-C came before every start was climbed from to its end."""
        return self._n_finished < self.n_starts

    @property
    def _n_finished(self) -> int:
        return sum(run.status is not Status.INTERRUPTED for run in self.runs)

    @property
    def n_parameters(self) -> int:
        """Free parameters of the likelihood."""
        return self.specification.n_parameters(self.observations.n_features)

    @property
    def aic(self) -> float:
        r""":math:`-2L + 2p`, lower is better."""
        return self._unless_collapsed(-2 * self.log_likelihood + 2 * self.n_parameters)

    @property
    def bic(self) -> float:
        r""":math:`-2L + p \log n`, lower is better (mclust prints the negative); n is the sum of the row weights."""
        return self._unless_collapsed(-2 * self.log_likelihood + self.n_parameters * math.log(self.observations.total_weight))

    @property
    def icl(self) -> float:
        r""":math:`\mathrm{BIC} - 2\sum_i \log\max_k r_{ik}`: hard classification, as mclust's; lower is better."""
        return self.bic - 2 * self.classification

    @property
    def icl_entropy(self) -> float:
        r""":math:`\mathrm{BIC} - 2\sum_{ik} r_{ik}\log r_{ik}` (Biernacki, Celeux & Govaert 2000); lower is better."""
        return self.bic + 2 * self.entropy

    def _unless_collapsed(self, criterion: float) -> float:
        return math.nan if self.status is Status.COLLAPSED else criterion

    def summary(self, prob: float | None = None) -> pd.DataFrame:
        """One row a component: weight, effective count, and mean and scale (standard deviation) of each feature.

        Parameters
        ----------
        prob : float, optional
            With it each of these is followed by its standard error, ``..._se``, from the observed information (one more pass over
            the data), and by the ends of an interval of this probability, ``..._lower`` and ``..._upper``: normal for means, log
            scales and log odds of weights. They are NaN, with a warning that says why, where there are none.

        Warns
        -----
        ConvergenceWarning
            If the fit has no standard errors.
        """
        m, names = self.mixture, self.observations.names
        scales = np.sqrt(np.diagonal(m.covariances, axis1=1, axis2=2))
        columns = {"weight": m.weights, "count": m.weights * self.observations.total_weight}
        columns |= {f"mean[{name}]": m.means[:, j] for j, name in enumerate(names)}
        columns |= {f"scale[{name}]": scales[:, j] for j, name in enumerate(names)}
        columns = columns if prob is None else self._with_errors(columns, prob)
        return pd.DataFrame(columns, index=pd.RangeIndex(m.n_components, name="component"))

    def _with_errors(self, columns: dict[str, NDArray[np.float64]], prob: float) -> dict[str, NDArray[np.float64]]:
        """The columns of the summary, each followed by its standard error and interval."""
        m, names = self.mixture, self.observations.names
        try:
            errors = observed_information(m, self.observations, self.specification).standard_errors()
        except NoInformationError as error:
            warnings.warn(str(error), ConvergenceWarning, stacklevel=3)
            errors = StandardErrors.missing(m.n_components, m.n_features)
        of = {"weight": (errors.weights, "unit")}
        of |= {f"mean[{name}]": (errors.means[:, j], "line") for j, name in enumerate(names)}
        of |= {f"scale[{name}]": (errors.scales[:, j], "positive") for j, name in enumerate(names)}
        wider: dict[str, NDArray[np.float64]] = {}
        for name, estimates in columns.items():
            wider[name] = estimates
            if name in of:
                each, where = of[name]
                lower, upper = normal_interval(estimates, each, prob, where)
                wider |= {f"{name}_se": each, f"{name}_lower": lower, f"{name}_upper": upper}
        return wider

    def __str__(self) -> str:
        s = self.specification
        kind = "maximum likelihood" if s.prior is None else "MAP"
        icl = "" if self.observations.is_stored else f", ICL {self.icl:.4f}"  # to print is no reason to read all rows
        return (
            f"{s.covariance} mixture, K = {s.n_components}, by EM ({kind}): {self.detail}\n"
            f"{self.shortfall}{'\n' if self.partial else ''}"
            f"n = {self.n_observations}, log-likelihood {self.log_likelihood:.4f}, {self.n_parameters} parameters, "
            f"BIC {self.bic:.4f}{icl}\n{self._told_of_data}{self.summary().round(4).to_string()}"
        )

    __repr__ = __str__

    @property
    def _told_of_data(self) -> str:
        """What there is beyond complete rows and normal components, in lines of its own."""
        data, s, m, lines = self.observations, self.specification, self.mixture, []
        if data.has_missing:
            lines.append(f"{np.count_nonzero(np.isnan(data.values))} of {data.values.size} cells are missing, integrated out")
        if data.labels is not None:
            lines.append(f"{np.count_nonzero(data.labels >= 0)} of {data.n_observations} labels are known")
        if m.noise is not None:
            lines.append(f"noise of weight {m.noise_weight:.4f}, uniform with log density {m.noise.log_density():.4f}")
        if s.frozen is not None:
            lines.append(f"frozen: components {list(s.frozen.components)}, weights {list(s.frozen.weights)}")
        return "".join(f"{line}\n" for line in lines)

    @property
    def shortfall(self) -> str:
        """What an interrupted search lacks, in a sentence; empty for a whole one."""
        if not self.partial:
            return ""
        best = "the last iterate of the unfinished one" if self.status is Status.INTERRUPTED else "the best of them"
        return f"Partial: {self._n_finished} of {self.n_starts} starts were finished when Ctrl-C came; this is {best}."

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to one file, complete or not at all, for :func:`bayesgmm.load`; what was there is replaced.

        Rows that are not in memory are not in the file either: loaded, the fit tells all but what needs them.
        """
        target = require_free(path, force=True)
        content = pack(self.specification, self.observations, self.best, self.runs, self.n_starts, self.n_pilot_rows)
        write_sealed(target, content)


def _certainty(mixture: Mixture, part: Observations) -> Sums:
    """Weighted sum of log max_k r_ik, and entropy, in blocks of rows; those whose component is known add nothing."""
    classification = entropy = 0.0
    for first in range(0, part.n_observations, CLASSIFIED_ROWS):
        rows = part.rows(slice(first, first + CLASSIFIED_ROWS))
        unknown = np.ones(rows.n_observations) if rows.labels is None else rows.labels < 0
        shares, v = mixture.all_responsibilities(rows), rows.weights * unknown
        classification += float(v @ np.log(shares.max(axis=1)))
        entropy -= float(v @ np.where(shares > 0, shares * np.log(np.where(shares > 0, shares, 1.0)), 0.0).sum(axis=1))
    return Sums(classification, entropy)
