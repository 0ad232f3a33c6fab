"""The table of what works with what, cell by cell."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm.capability import PRIORS, WORKS
from bayesgmm.covariance import STRUCTURES
from bayesgmm.model import free_points
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


def test_each_feature_of_data_works_or_says_why_not():
    X, weights = bg.simulate(60, 2, 3, seed=1)[0], np.arange(1, 61)
    assert list(TABLE.loc["data"].index) == ["row weights"]
    assert TABLE.loc[("data", "row weights"), "EM"] == WORKS
    assert bg.fit_em(X, 2, sample_weight=weights).observations.total_weight == weights.sum()
    weighted = bg.fit_em(X, 2, sample_weight=weights).observations
    for engine in ("NUTS", "Gibbs"):
        with pytest.raises(ValueError) as raised:
            bg.fit_bayes(weighted, 2, engine=engine.lower())
        assert str(raised.value) == TABLE.loc[("data", "row weights"), engine]
    with pytest.raises(ValueError) as raised:
        bg.fit_mfm(weighted)
    assert str(raised.value) == TABLE.loc[("data", "row weights"), "Telescoping"]


def test_the_printed_table_is_this_one():
    spec = importlib.util.spec_from_file_location("docs_capabilities", DOCS / "capabilities.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert (DOCS / "capabilities.md").read_text(encoding="utf-8") == script.page()
