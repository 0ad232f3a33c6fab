import numpy as np
import pytest

import bayesgmm as bg
from bayesgmm.interruption import PartialWarning
from bayesgmm.sensitivity import number


def test_what_is_finished_is_not_lost(monkeypatch):
    """Ctrl-C between two settings of the prior."""
    X, _, _ = bg.simulate(60, 2, 1, 5.0, seed=1)

    def stopped(*_, **__):
        raise KeyboardInterrupt

    turns = iter([number.fit_mfm, stopped])
    monkeypatch.setattr(number, "fit_mfm", lambda *args, **settings: next(turns)(*args, **settings))
    with pytest.warns(PartialWarning, match="missing are b"):
        table = bg.prior_sensitivity(X, "spherical", {"a": {}, "b": {}}, draws=50, tune=10, progress=False)
    assert list(table.index) == ["a"]


def test_the_prior_is_varied():
    X, _, _ = bg.simulate(80, 2, 1, 6.0, seed=2)
    table = bg.prior_sensitivity(
        X,
        "spherical",
        {"default": {}, "few": {"components_prior": bg.ComponentsPrior.fixed(1)}},
        draws=200,
        tune=50,
        progress=False,
    )
    assert list(table.index) == ["default", "few"]
    assert list(table["mode"]) == [2, 1]
    np.testing.assert_allclose(table.filter(like="p(").sum(axis=1), 1, atol=0.02)
    with pytest.raises(ValueError, match="nothing to compare"):
        bg.prior_sensitivity(X, settings={})
    for settings in ({"a": {"draws": 10}}, {"a": 3}):
        with pytest.raises(TypeError, match="setting 'a'"):
            bg.prior_sensitivity(X, settings=settings)
