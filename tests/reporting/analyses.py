"""Analyses that nobody sampled: draws by hand around EM's estimate, and verdicts by hand."""

import json
from dataclasses import replace

import numpy as np
import xarray as xr

import bayesgmm as bg
from bayesgmm.agreement import agreement
from bayesgmm.observations import Observations
from bayesgmm.posterior import Posterior
from bayesgmm.reporting import Analysis
from bayesgmm.reporting.check import NOT_ASKED, Check
from bayesgmm.selection import Candidate, Selection

HOSTILE = ("$x$", "<script>alert(1)</script>", "a/b & 'c' \"d\"", "emoji 😀 漢", "n" * 200, "line\nfeed\x07 $")
SETTINGS = {
    "engine": "nuts",
    "draws": 300,
    "tune": 100,
    "chains": 4,
    "target_accept": 0.9,
    "seed": {"entropy": 0, "spawn_key": []},
    "versions": {"numpy": np.__version__},
    "seconds": {"sample": 1.0},
}


def posterior_around(em, prior, spread=0.02, n_chains=4, n_draws=300, seed=0, **settings):
    """Independent draws near EM's estimate, in the form of a fitted posterior."""
    rng, m, shape = np.random.default_rng(seed), em.mixture, (n_chains, n_draws)
    weights = rng.dirichlet(500 * m.weights, shape)
    scales = np.sqrt(np.diagonal(m.covariances, axis1=1, axis2=2))
    means = m.means + spread * scales * rng.standard_normal((*shape, *m.means.shape))
    stretch = np.exp(spread * rng.standard_normal((*shape, *scales.shape)))
    covariances = m.covariances * stretch[..., :, None] * stretch[..., None, :]
    dims = ("chain", "draw")
    drawn = {
        "weights": ((*dims, "component"), weights),
        "means": ((*dims, "component", "feature"), means),
        "covariances": ((*dims, "component", "feature", "feature2"), covariances),
    }
    stats = {"lp": (dims, rng.standard_normal(shape)), "diverging": (dims, np.zeros(shape, dtype=bool))}
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(drawn), "sample_stats": xr.Dataset(stats)})
    tree.attrs = {"settings": json.dumps(SETTINGS | settings)}
    return Posterior(tree, bg.Specification(m.n_components, em.specification.covariance, prior), em.observations)


def analysed(X, numbers, covariance="full", names=None, checked=False, source=None):
    """Everything that a report tells, of draws around EM; the other sampler's are such draws too."""
    observations = Observations.from_data(X, names=names)
    prior = bg.Prior.weakly_informative(observations, covariance)
    fits = {k: bg.fit_em(observations, k, covariance, n_init=2) for k in numbers}
    selection = Selection({k: Candidate(em, posterior_around(em, prior)) for k, em in fits.items()})
    check = NOT_ASKED
    if checked:
        mine = selection.candidates[selection.chosen]
        other = posterior_around(mine.em, prior, seed=1, engine="gibbs")
        check = Check(agreement(mine.posterior, other), posterior=other)
    return Analysis.of(selection, source=source, check=check)


def judged(analysis, **changes):
    """The same analysis with another judgement."""
    diagnosis = replace(analysis.diagnosis, **changes)
    drawn, relabelled = replace(analysis.candidate.posterior), replace(analysis.posterior)
    for posterior in (drawn, relabelled):
        posterior.__dict__["diagnosis"] = diagnosis
    candidates = {**analysis.selection.candidates, analysis.chosen: Candidate(analysis.em, drawn)}
    return replace(analysis, selection=Selection(candidates), posterior=relabelled)
