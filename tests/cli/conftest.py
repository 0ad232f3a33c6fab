"""One fit of Old Faithful that all commands tell, and commands whose fits cost nothing."""

from dataclasses import replace

import pytest

import bayesgmm as bg
from bayesgmm import engines, reporting, selection
from bayesgmm.reporting import Analysis
from bayesgmm.selection import Candidate, Selection

FAITHFUL = bg.load_dataset("faithful")


@pytest.fixture(scope="session")
def gibbs_two():
    return bg.fit_bayes(FAITHFUL, 2, engine="gibbs", draws=500, tune=200, seed=1, progress=False)


@pytest.fixture(scope="session")
def gibbs_one():
    return bg.fit_bayes(FAITHFUL, 1, engine="gibbs", draws=150, tune=50, chains=2, seed=1, progress=False)


@pytest.fixture(scope="session")
def analysis(gibbs_two):
    return Analysis.of(Selection({2: Candidate(bg.fit_em(gibbs_two.observations, 2), gibbs_two)}))


@pytest.fixture
def fitted(monkeypatch, analysis):
    """Fits that cost nothing; the list tells how they were called."""
    calls = []

    def answer(result):
        def fit(*arguments, **settings):
            calls.append((arguments, settings))
            return result

        return fit

    monkeypatch.setattr(reporting, "analyse", answer(analysis))
    monkeypatch.setattr(selection, "sweep", answer(analysis.selection))
    monkeypatch.setattr(engines, "fit_bayes", answer(analysis.candidate.posterior))
    return calls


@pytest.fixture
def unconverged(analysis):
    """The same posterior with the verdict no."""
    posterior = replace(analysis.candidate.posterior)
    verdict = ("No: the chains have not converged.",)
    diagnosis = replace(analysis.diagnosis, converged=False, components_trusted=False, verdict=verdict)
    posterior.__dict__["diagnosis"] = diagnosis
    return replace(analysis, selection=Selection({2: Candidate(analysis.em, posterior)}))


@pytest.fixture
def saved(tmp_path, gibbs_two, gibbs_one):
    """The fit and one of a single component, in files."""
    paths = tmp_path / "two.nc", tmp_path / "one.nc"
    gibbs_two.save(paths[0])
    gibbs_one.save(paths[1])
    return paths
