"""Telling: the whole analysis of a data set, and the report that says it to a reader.

:mod:`~bayesgmm.reporting.analysis` computes, once; sentences, tables and pictures say parts of it; a renderer, so far
:mod:`~bayesgmm.reporting.html`, puts them on a page. Renderers know no arithmetic and the analysis knows no page.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bayesgmm.files import require_free
from bayesgmm.prior import Prior
from bayesgmm.reporting import tables
from bayesgmm.reporting.analysis import Analysis, analyse
from bayesgmm.reporting.html import render, write
from bayesgmm.reporting.sentences import answer
from bayesgmm.streams import Seed

__all__ = ["Analysis", "analyse", "answer", "render", "report", "tables", "write"]


def report(
    X: Any,
    n_components: Iterable[int] = range(1, 6),
    output: str | os.PathLike[str] = "report.html",
    covariance: str = "full",
    prior: Prior | None = None,
    seed: Seed = 0,
    force: bool = False,
    progress: bool = True,
    *,
    check: bool = True,
    source: str | None = None,
    **settings: Any,
) -> Path:
    """Fit by EM and by MCMC, judge, and write a report that says what may be believed.

    Every number of components is drawn from by the fastest engine that takes the model. The posterior of the chosen one is drawn
    from once more by another engine, from other starts, and the report says whether the two agree.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_observations, n_features)
    n_components : iterable of int
        The numbers of components to compare; the report tells about the one that BIC chooses.
    output : path
        One self-contained HTML file.
    covariance : str
        Covariance structure.
    prior : Prior, optional
        Held fixed over the numbers of components; None: :meth:`Prior.weakly_informative`.
    seed : int, SeedSequence or Generator
    force : bool
        Replace ``output`` where it exists.
    progress : bool
        Show progress bars.
    check : bool
        False: no other engine checks the posterior.
    source : str, optional
        What the data are called in the report.
    **settings
        Passed on to :func:`fit_bayes`: draws, tune, chains, cores, engine, target_accept.

    Returns
    -------
    Path
        The file written.

    Warns
    -----
    PartialWarning
        If Ctrl-C came before every number of components was fitted: the report is about the finished ones and says so.

    Raises
    ------
    FileExistsError
        If ``output`` exists and ``force`` is False; before anything is fitted, as for a folder that does not exist.
    ValueError
        If the data, the names or the numbers are not usable.
    """
    target = require_free(output, force)
    analysis = analyse(X, n_components, covariance, prior, seed, progress, check=check, source=source, **settings)
    return write(analysis, target)
