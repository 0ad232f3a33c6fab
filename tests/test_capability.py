"""The table of what works with what, cell by cell."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm.abilities import STORED, features_of
from bayesgmm.capability import PRIORS, WORKS
from bayesgmm.covariance import STRUCTURES
from bayesgmm.frozen import Frozen
from bayesgmm.model import free_points
from bayesgmm.sources import Blocks
from tests.test_model import flat, joint

FEW = {"draws": 10, "tune": 10, "chains": 1, "progress": False}
TABLE = bg.capabilities()
DOCS = Path(__file__).parents[1] / "docs"


def log_density(X, truth, prior):
    """Of the PyMC model at the truth."""
    model = bg.build_model(X, 2, truth.structure.code, prior)
    prior = bg.Prior.weakly_informative(X, truth.structure.code) if prior is None else prior
    nuisance = prior.covariances.nuisance_mode(truth.structure, truth.covariances)
    (free,) = free_points(model, bg.Specification(2, truth.structure.code, prior), [(truth, nuisance)])
    return joint(model, free)(flat(free.values()))[0]


@pytest.mark.parametrize("code", list(STRUCTURES))
@pytest.mark.parametrize("name", list(PRIORS))
def test_each_model_works_or_says_why_not(name, code):
    """EM, Gibbs and telescoping: a fit. NUTS: the density of its model; its draws are looked at in test_recovery.py."""
    X, _, truth = bg.simulate(60, 2, 1 if "one feature" in name else 3, seed=1, covariance=code)
    cells = TABLE.loc[f"prior: {name}", :].loc[code]

    def prior():
        return PRIORS[name](code)

    calls = {
        "EM": lambda: np.isfinite(bg.fit_em(X, 2, code, prior(), n_init=2).objective),
        "NUTS": lambda: np.isfinite(log_density(X, truth, prior())),
        "Gibbs": lambda: bg.fit_bayes(X, 2, code, prior(), engine="gibbs", **FEW).n_draws == FEW["draws"],
        "Laplace": lambda: bg.fit_bayes(X, 2, code, prior(), engine="laplace", **FEW).n_draws == FEW["draws"],
        "Telescoping": lambda: bg.fit_mfm(X, None, code, prior(), **FEW).n_filled.shape == (1, FEW["draws"]),
    }
    assert set(calls) == set(TABLE.columns)
    for engine, call in calls.items():
        if cells[engine].startswith(WORKS):
            assert call()
        else:
            with pytest.raises(ValueError) as raised:
                call()
            assert str(raised.value) == cells[engine]


def some_data(feature):
    """A fit by EM of data, or of a model, that has the feature."""
    X, labels, truth = bg.simulate(60, 2, 3, seed=1)
    gaps = X.copy()
    gaps[::5, 0] = np.nan
    keywords = {
        "row weights": {"sample_weight": np.arange(1, 61)},
        "missing cells": {"allow_missing": True},
        "known labels": {"labels": np.where(np.arange(60) < 9, labels, -1)},
        "noise": {"noise": True},
        "frozen parameters": {"frozen": Frozen(truth, [0])},
    }
    assert {*keywords, STORED} == set(TABLE.loc["data"].index)
    if feature == STORED:
        return bg.fit_em(Blocks(lambda: [X[:40], X[40:]]), 2)
    return bg.fit_em(gaps if feature == "missing cells" else X, 2, **keywords[feature])


@pytest.mark.parametrize("feature", list(TABLE.loc["data"].index))
def test_each_feature_of_data_works_or_says_why_not(feature):
    em = some_data(feature)
    assert features_of(em.observations, em.specification) == {feature}
    assert TABLE.loc[("data", feature), "EM"] == WORKS
    if feature in ("noise", "frozen parameters"):  # no other engine has a word for them
        return
    for engine, fit in {
        "NUTS": lambda: bg.fit_bayes(em.observations, 2, engine="nuts", **FEW),
        "Gibbs": lambda: bg.fit_bayes(em.observations, 2, engine="gibbs", **FEW),
        "Laplace": lambda: bg.fit_bayes(em.observations, 2, engine="laplace", **FEW),
        "Telescoping": lambda: bg.fit_mfm(em.observations, **FEW),
    }.items():
        if TABLE.loc[("data", feature), engine].startswith(WORKS):
            assert fit().n_draws == FEW["draws"]
            continue
        with pytest.raises(ValueError) as raised:
            fit()
        assert str(raised.value) == TABLE.loc[("data", feature), engine]


def test_the_printed_table_is_this_one():
    spec = importlib.util.spec_from_file_location("docs_capabilities", DOCS / "capabilities.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert (DOCS / "capabilities.md").read_text(encoding="utf-8") == script.page()
