"""Telling: the whole analysis of a data set, and the report that says it to a reader.

:mod:`~bayesgmm.reporting.analysis` computes, once. Each file of :mod:`~bayesgmm.reporting.sections` says a part of it in
:mod:`~bayesgmm.reporting.blocks`; these make a :mod:`~bayesgmm.reporting.document`, and
:mod:`~bayesgmm.reporting.formats` put it on disk. Formats know no arithmetic and sections know no page.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bayesgmm.prior import Prior
from bayesgmm.reporting import tables
from bayesgmm.reporting.analysis import Analysis, analyse
from bayesgmm.reporting.document import choose
from bayesgmm.reporting.formats import FORMATS, render, require_output, write
from bayesgmm.reporting.sections import SECTIONS
from bayesgmm.reporting.sentences import answer
from bayesgmm.streams import Seed

__all__ = [
    "FORMATS",
    "SECTIONS",
    "Analysis",
    "analyse",
    "answer",
    "choose",
    "render",
    "report",
    "require_output",
    "tables",
    "write",
]


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
    sections: Iterable[str] | None = None,
    omit: Iterable[str] = (),
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
        Its ending says what is written: ``.html``, one page that holds everything; ``.md``, Markdown, with its pictures in a
        folder ``<name>_files`` beside it; ``.json``, everything as data, all tables whole and unrounded.
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
    sections : iterable of str, optional
        Names of the sections to write, in this order, such as ``["summary", "density"]``; None: all.
    omit : iterable of str
        Names of sections to leave out.
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
        If the data, the names or the numbers are not usable, rows are not in memory, or ``output`` has another ending.
    """
    target = require_output(output, force)
    names = [section.name for section in choose(sections, omit)]
    analysis = analyse(X, n_components, covariance, prior, seed, progress, check=check, source=source, **settings)
    return write(analysis, target, names)
