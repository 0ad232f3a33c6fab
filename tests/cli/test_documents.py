"""JSON: one document on standard output, as it is documented."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayesgmm as bg
from bayesgmm import engines, reporting
from bayesgmm.cli.doctor import trials
from bayesgmm.plain import plain
from tests.cli.running import run

MANUAL = (Path(__file__).parents[2] / "docs" / "guide" / "command_line.md").read_text(encoding="utf-8").partition("## JSON")[2]
SECTIONS = {"compare": "compare, EM beside MCMC", "compare fits": "compare, saved fits"}


def refuse(name):
    raise AssertionError(f"{name} is no JSON")


def document(*arguments):
    """What a command writes, if it is strict JSON and nothing else."""
    result = run(*arguments, "--json")
    assert result.stdout.isascii()
    return json.loads(result.stdout, parse_constant=refuse), result


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch):
    """Reports are not drawn: that takes seconds."""
    monkeypatch.setattr(reporting, "write", lambda *_, **__: None)


@pytest.fixture
def written(fitted, monkeypatch, tmp_path, saved):
    monkeypatch.setattr(trials, "TRIALS", {"EM": lambda: "wrong numbers"})
    commands = {
        "report": ("report", "--output", tmp_path / "r.html"),
        "fit": ("fit", "--output", tmp_path / "f.nc"),
        "select": ("select",),
        "models": ("models", "--components", "2", "--output", tmp_path / "m.csv"),
        "compare": ("compare",),
        "compare fits": ("compare", *saved),
        "doctor": ("doctor",),
    }
    return {name: document(*arguments) for name, arguments in commands.items()}


def section(title):
    """The words in backticks under a heading of the manual."""
    text = MANUAL if title is None else MANUAL.partition(f"\n### {title}\n")[2]
    return set(re.findall(r"`(\w+)`", text.partition("\n### ")[0]))


def keys(value):
    """All keys of a document, but those of what others have named."""
    if isinstance(value, list):
        return set().union(*map(keys, value[:1]))
    if not isinstance(value, dict):
        return set()
    return set(value).union(*(keys(each) for name, each in value.items() if name not in ("settings", "environment")))


def test_every_key_is_documented_and_every_documented_key_is_there(written):
    general = section(None)
    for name, (found, result) in written.items():
        assert result.exit_code in ((1,) if name == "doctor" else (0, 3)), result.stderr
        assert found["command"] == name.partition(" ")[0]
        own = section(SECTIONS.get(name, name)) | (section("select") if name == "report" else set())
        assert keys(found) <= own | general, name
        assert own - {"select", "em"} <= keys(found), name
    assert general - {"report", "fit", "compare"} <= set().union(*(keys(found) for found, _ in written.values()))


def test_numbers_have_all_digits(fitted, gibbs_two):
    em = bg.fit_em(gibbs_two.observations, 2)
    found, _ = document("fit")
    assert found["em"]["bic"] == em.bic
    assert found["em"]["covariances"] == em.mixture.covariances.tolist()
    table = gibbs_two.diagnosis.relabelled.reset_index()
    pd.testing.assert_frame_equal(pd.DataFrame(found["posterior"]["parameters"]), table, check_dtype=False, rtol=0, atol=0)
    assert found["verdict"] == list(gibbs_two.diagnosis.verdict)
    assert found["believe"] == "components"


def test_what_may_not_be_believed_is_withheld(tmp_path, monkeypatch, unconverged):
    monkeypatch.setattr(reporting, "analyse", lambda *_, **__: unconverged)
    monkeypatch.setattr(engines, "fit_bayes", lambda *_, **__: unconverged.candidate.posterior)
    for arguments in (("fit",), ("compare",), ("report", "--output", tmp_path / "r.html")):
        found, result = document(*arguments)
        assert result.exit_code == 3
        assert (found["believe"], found["converged"], found["components_trusted"]) == ("nothing", False, False)
        assert found["posterior"]["parameters"] is None
        assert found["posterior"]["label_free"]
    assert document("compare")[0]["table"] is None


def test_an_error_is_no_document():
    result = run("fit", "none.csv", "--json")
    assert (result.exit_code, result.stdout) == (1, "")


def test_plain_values():
    frame = pd.DataFrame({"x": [np.nan, np.inf, -0.5]}, index=pd.Index(["a", "b", "c"], name="name"))
    assert plain(frame) == [{"name": n, "x": x} for n, x in (("a", None), ("b", None), ("c", -0.5))]
    assert plain([np.bool_(True), True, 1, np.int64(2), None, "x", Path("y")]) == [True, True, 1, 2, None, "x", "y"]
    assert type(plain(np.bool_(True))) is bool
    assert plain(np.float64(0.1)) == 0.1
