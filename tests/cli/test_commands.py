"""report, fit, select and models: what they call, print and write."""

import json

import pandas as pd
import pytest

import bayesgmm as bg
from bayesgmm import em as em_module
from bayesgmm import engines, reporting, selection
from bayesgmm.cli import options, output
from bayesgmm.cli.reading import stored
from bayesgmm.cli.select import select
from tests.cli.running import run


@pytest.mark.parametrize(("text", "numbers"), [("1:6", [1, 2, 3, 4, 5]), ("3", [3]), ("1,2,4", [1, 2, 4]), ("2:3", [2])])
def test_components(text, numbers):
    assert options.parse_components(text) == numbers


@pytest.mark.parametrize("text", ["", "0", "a", "6:1", "1:2:3", "1,,2", "-1:2", ":"])
def test_components_that_are_none_are_a_usage_error(text):
    result = run("select", f"--components={text}")
    assert result.exit_code == 2
    assert "names no numbers" in result.stderr


def test_report_writes_says_and_ends_well(tmp_path, fitted):
    path = tmp_path / "r.html"
    result = run("report", "--components", "2", "--output", path, "--draws", 5, "--seed", 3)
    assert result.exit_code == 0, result.output
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert "These 272 rows are best described by 2 components" in result.stdout
    assert "K = 2 was asked for" in result.stdout
    assert str(path) in result.stdout
    ((arguments, settings),) = fitted
    assert arguments[1] == [2]
    assert (settings["draws"], settings["seed"]) == (5, 3)
    asked = "--covariance=full --draws=5 --tune=1000 --chains=4 --engine=auto --seed=3"
    assert settings["command"] == f"bayesgmm report --components=2 --output={path} {asked}"
    assert settings["check"]
    assert run("report", "--output", path, "--force", "--no-check", "--engine", "nuts").exit_code == 0
    assert not fitted[1][1]["check"]
    assert fitted[1][1]["engine"] == "nuts"
    assert fitted[1][1]["command"].endswith("--engine=nuts --seed=0 --no-check")


def test_report_overwrites_only_when_forced(tmp_path, fitted, monkeypatch):
    monkeypatch.setattr(reporting, "write", lambda _, target, **__: target.write_text("new"))
    path = tmp_path / "r.html"
    path.write_text("precious")
    result = run("report", "--output", path)
    assert result.exit_code == 1
    assert "--force" in result.stderr
    assert path.read_text() == "precious"
    assert not fitted
    assert run("report", "--output", path, "--force").exit_code == 0
    assert path.read_text() == "new"


@pytest.mark.parametrize("wrong", [("--output", "r.pdf"), ("--sections", "nonsense"), ("--omit", "nonsense")])
def test_what_a_report_cannot_be_is_refused_before_fitting(tmp_path, monkeypatch, fitted, wrong):
    monkeypatch.chdir(tmp_path)
    result = run("report", *wrong)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert not fitted
    assert not list(tmp_path.iterdir())


def test_sections_come_to_the_report(tmp_path, monkeypatch, fitted):
    """Chosen before fitting, and written."""
    written = []
    monkeypatch.setattr(reporting, "choose", lambda *names: written.append(names), raising=False)
    monkeypatch.setattr(reporting, "require_output", lambda *_: None, raising=False)
    monkeypatch.setattr(reporting, "write", lambda _, target, **chosen: written.append((target.name, chosen)))
    result = run("report", "--output", tmp_path / "r.md", "--sections", "summary, density", "--omit", "data")
    assert result.exit_code == 0, result.stderr
    names = {"sections": ["summary", "density"], "omit": ["data"]}
    assert written == [tuple(names.values()), ("r.md", names)]
    assert "--sections=summary,density --omit=data" in fitted[0][1]["command"].replace("'", "")


def test_no_convergence_is_exit_code_3(tmp_path, monkeypatch, unconverged):
    monkeypatch.setattr(reporting, "analyse", lambda *_, **__: unconverged)
    monkeypatch.setattr(engines, "fit_bayes", lambda *_, **__: unconverged.candidate.posterior)
    monkeypatch.setattr(reporting, "write", lambda _, target, **__: target.touch())
    assert run("report", "--output", tmp_path / "r.html").exit_code == 3
    assert (tmp_path / "r.html").exists()
    for command in ("fit", "compare"):
        result = run(command)
        assert result.exit_code == 3
        assert "log_likelihood" in result.stdout
        assert "means[0" not in result.stdout


def test_fit_prints_and_saves(tmp_path, fitted):
    path = tmp_path / "fit.nc"
    result = run("fit", "--output", path)
    assert result.exit_code == 0, result.output
    for told in ("by EM (maximum likelihood)", "Yes: the chains have converged", "means[0, eruptions]", str(path)):
        assert told in result.stdout
    assert bg.load(path).n_components == 2
    assert run("fit", "--output", path).exit_code == 1
    assert run("fit", "--output", path, "--force").exit_code == 0
    assert "by EM" not in run("fit", "--quiet").stdout


def test_fit_in_earnest():
    """From standard input to a verdict, nothing replaced: the same draws as from Python."""
    X = bg.load_dataset("faithful")
    result = run("fit", "-", "--draws", 40, "--tune", 20, "--chains", 2, "--json", stdin=X.to_csv(index=False))
    found = json.loads(result.stdout)
    post = bg.fit_bayes(X, 2, draws=40, tune=20, chains=2, progress=False)
    assert found["data"]["source"] == "standard input"
    assert found["posterior"]["label_free"][0]["mean"] == post.diagnosis.label_free["mean"].iloc[0]
    assert result.exit_code == (0 if post.diagnosis.converged else 3)


def test_a_large_file_is_fitted_block_by_block(tmp_path, monkeypatch):
    X, path = bg.load_dataset("faithful"), tmp_path / "x.csv"
    X.to_csv(path, index=False)
    monkeypatch.setattr(stored, "LARGEST_IN_MEMORY", 10)
    options = ("--draws", 100, "--chains", 2, "--engine", "laplace", "--output", tmp_path / "fit.nc")
    result = run("fit", path, *options, "--json")
    assert result.exit_code in (0, 3), result.output
    found = json.loads(result.stdout)
    assert found["data"]["n_observations"] == 272
    em = bg.fit_em(X, 2)
    assert found["em"]["bic"] == pytest.approx(em.bic)
    assert found["em"]["icl"] == pytest.approx(em.icl, abs=1e-2)
    assert "by EM" in run("fit", path, *options, "--force").stdout
    post = bg.load(tmp_path / "fit.nc")
    assert post.observations.is_stored
    assert run("compare", tmp_path / "fit.nc").exit_code == 1


@pytest.mark.parametrize("command", ["report", "select", "compare"])
def test_commands_that_need_rows_in_memory_read_a_large_file_whole(tmp_path, monkeypatch, command):
    path, given = tmp_path / "x.csv", []
    bg.load_dataset("faithful").to_csv(path, index=False)

    def stopped(X, *_, **__):
        given.append(X)
        raise ValueError("enough")

    monkeypatch.setattr(stored, "LARGEST_IN_MEMORY", 10)
    for module, name in ((reporting, "analyse"), (selection, "sweep"), (em_module, "fit_em"), (bg, "fit_em")):
        monkeypatch.setattr(module, name, stopped)
    assert run(command, path).exit_code == 1
    assert not given[0].is_stored


def test_select_prints_the_table(fitted):
    result = run("select", "--components", "2")
    assert result.exit_code == 0, result.output
    assert "2322.2" in result.stdout
    assert "K = 2 was asked for" in result.stdout


def test_models_prints_the_page_and_writes_the_table(tmp_path):
    path = tmp_path / "models.csv"
    result = run("models", "--components", "2,3", "--output", path)
    assert result.exit_code == 0, result.output
    assert "2314.3" in result.stdout
    assert "BIC is lowest for EEE with K = 3." in result.stdout
    assert len(pd.read_csv(path)) == 28
    assert run("models", "--components", "2", "--output", path).exit_code == 1
    assert "Unknown criterion" in run("models", "--criterion", "aic").stderr


def test_nothing_is_written_over_the_data(tmp_path, fitted):
    path = tmp_path / "data.csv"
    bg.load_dataset("faithful").to_csv(path, index=False)
    before = path.read_bytes()
    for command in ("fit", "models"):
        assert "is the data themselves" in run(command, path, "--output", path, "--force").stderr
    assert "not a stream" in run("fit", "--output", "-").stderr
    assert path.read_bytes() == before
    assert not fitted


def test_a_narrow_terminal_gets_all_columns(fitted, monkeypatch, capsys):
    monkeypatch.setattr(output, "width", lambda: 40)
    select(components=[2])
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 40
    assert all(name in shown for name in ("BIC", "ICL", "elpd (se)", "converged", "trusted"))


def test_options_that_stand_for_names(monkeypatch):
    """Those of the sweep are the ones that were asked for."""
    calls = []

    def sweep(*arguments, **settings):
        calls.append((*arguments[1:], settings))
        raise ValueError("enough")

    monkeypatch.setattr(selection, "sweep", sweep)
    run("select", "--components", "2,3", "--covariance", "diag", "--draws", 7, "--tune", 8, "--chains", 3, "--seed", 9)
    settings = {"seed": 9, "draws": 7, "tune": 8, "chains": 3, "engine": "auto", "progress": False}
    assert calls == [([2, 3], "diag", settings)]
