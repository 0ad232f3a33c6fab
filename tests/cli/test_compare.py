"""compare: EM beside MCMC, or saved fits beside each other."""

import json

import pandas as pd
import pytest

import bayesgmm as bg
from bayesgmm.cli.compare import ranking_sentences
from tests.cli.running import run


def test_em_beside_mcmc(fitted, gibbs_two):
    result = run("compare", "--components", 2, "--seed", 3)
    assert result.exit_code == 0, result.output
    assert fitted[0][1]["seed"] == 3
    for told in ("by EM (maximum likelihood)", "difference in sd", "means[1, waiting]", "EM estimates lie outside"):
        assert told in result.stdout
    found = json.loads(run("compare", "--json").stdout)
    expected = bg.compare_em_bayes(bg.fit_em(gibbs_two.observations, 2), gibbs_two)
    assert found["comparison"] == list(expected.verdict)
    assert [row["em"] for row in found["table"]] == expected.table["em"].tolist()
    assert [(row["lower"], row["upper"]) for row in found["table"]] == expected.table["interval"].tolist()


def test_one_saved_fit_is_held_against_em(saved):
    result = run("compare", saved[0], "--quiet")
    assert result.exit_code == 0, result.output
    assert "EM estimates lie outside" in result.stdout


def test_saved_fits_are_ranked(saved):
    found = json.loads(run("compare", *saved, "--ic", "waic", "--json").stdout)
    fits = {str(path): bg.load(path) for path in saved}
    expected = bg.compare(fits, "waic")
    assert [row["fit"] for row in found["table"]] == list(expected.index) == [str(path) for path in saved]
    assert [row["difference"] for row in found["table"]] == expected["elpd_diff"].tolist()
    assert [fit["converged"] for fit in found["fits"]] == [fit.diagnosis.converged for fit in fits.values()]
    result = run("compare", *saved)
    assert result.exit_code == 3 - 3 * all(fit["converged"] for fit in found["fits"])
    assert f"{saved[0]} predicts best by LOO." in result.stdout


def test_what_a_ranking_says():
    """A difference is told apart from two standard errors on, and not where it is small."""
    table = pd.DataFrame(
        {
            "difference": [0.0, -3.0, -9.0, -11.0],
            "difference_se": [0.0, 0.1, 5.0, 5.0],
            "unreliable": [False, False, True, False],
        },
        index=["a", "b", "c", "d"],
    )
    told = ranking_sentences(table, "loo", ["d"])
    near = ["too near" in sentence for sentence in told]
    assert near == [False, True, True, False, False, False]
    assert "some rows of c:" in told[4]
    assert "chains of d have not converged" in told[5]


def test_options_without_effect_are_refused(saved):
    for arguments in (["--ic", "loo"], [saved[0], "--ic", "loo"], [saved[0], "--components", 3], [*saved, "--seed", 1]):
        result = run("compare", *arguments)
        assert result.exit_code == 2
        assert "Invalid value: --" in result.stderr


@pytest.mark.parametrize("kind", ["table", "twice", "none", "em", "cut", "other data"])
def test_what_cannot_be_compared(saved, tmp_path, kind):
    other = tmp_path / "other"
    if kind == "table":
        other.write_text("a,b\n1,2\n")
    elif kind == "em":
        bg.fit_em(bg.load_dataset("faithful"), 2, n_init=1).save(other)
    elif kind == "cut":
        other.write_bytes(saved[0].read_bytes()[:1000])
    elif kind == "other data":
        X = bg.load_dataset("faithful").iloc[:-1]
        bg.fit_bayes(X, 1, engine="gibbs", draws=20, tune=20, chains=2, progress=False).save(other)
    sentence = {
        "table": "is no saved fit: compare takes one table, or fits",
        "twice": "named twice",
        "none": "There is no file",
        "em": "is an EM fit",
        "cut": "cannot be loaded",
        "other data": "other data",
    }[kind]
    result = run("compare", saved[0], saved[0] if kind == "twice" else other)
    assert (result.exit_code, result.stdout) == (1, "")
    assert sentence in result.stderr
