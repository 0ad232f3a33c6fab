"""The command line: what it reads, what it refuses and how it ends."""

import re
import subprocess
import sys
import warnings
from dataclasses import replace

import pandas as pd
import pytest
from typer.testing import CliRunner

import bayesgmm as bg
from bayesgmm import cli, engines, reporting, selection
from bayesgmm.reporting import Analysis
from bayesgmm.selection import Candidate, Selection


def run(*arguments):
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def analysis(faithful_two):
    return Analysis.of(Selection({2: Candidate(bg.fit_em(faithful_two.observations, 2), faithful_two)}))


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


@pytest.mark.parametrize(("text", "numbers"), [("1:6", [1, 2, 3, 4, 5]), ("3", [3]), ("1,2,4", [1, 2, 4]), ("2:3", [2])])
def test_components(text, numbers):
    assert cli.parse_components(text) == numbers


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


def test_report_overwrites_only_when_forced(tmp_path, fitted):
    path = tmp_path / "r.html"
    path.write_text("precious")
    result = run("report", "--output", path)
    assert result.exit_code == 1
    assert "--force" in result.stderr
    assert path.read_text() == "precious"
    assert not fitted
    assert run("report", "--output", path, "--force").exit_code == 0


def test_no_convergence_is_exit_code_3(tmp_path, monkeypatch, unconverged):
    monkeypatch.setattr(reporting, "analyse", lambda *_, **__: unconverged)
    monkeypatch.setattr(engines, "fit_bayes", lambda *_, **__: unconverged.candidate.posterior)
    assert run("report", "--output", tmp_path / "r.html").exit_code == 3
    assert (tmp_path / "r.html").exists()
    result = run("fit")
    assert result.exit_code == 3
    assert "withheld" in result.stdout
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


FILES = {
    "commas": "a,b\n1,2\n3,5\n",
    "semicolons": "a;b\n1;2\n3;5\n",
    "tabs": "a\tb\n1\t2\n3\t5\n",
    "row names": '"","a","b"\n"1",1,2\n"2",3,5\n',
    "byte order mark": "\ufeffa,b\n1,2\n3,5\n",
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_reads(tmp_path, content):
    path = tmp_path / "data.csv"
    path.write_text(content, encoding="utf-8")
    table = cli.read(path)
    assert list(table.columns) == ["a", "b"]
    assert table.to_numpy().tolist() == [[1, 2], [3, 5]]


def test_a_file_of_numbers_has_no_header(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("1,2\n3,5\n")
    assert cli.read(path).to_numpy().tolist() == [[1, 2], [3, 5]]
    assert list(cli.read(path).columns) == ["x1", "x2"]


def test_columns_are_chosen(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text('id,a,"b,c"\nx,1,2\ny,3,5\n')
    assert list(cli.read(path, ["b,c"]).columns) == ["b,c"]
    assert list(cli.read(path, ["a"]).columns) == ["a"]
    path.write_text("id,a,b\nx,1,2\ny,3,5\n")
    assert list(cli.read(path, ["b, a"]).columns) == ["b", "a"]


BAD_FILES = {
    "empty": (b"", "is empty"),
    "binary": (b"\x89PNG\r\n\x1a\n\xff\xfe\x00", "not a CSV file"),
    "zero bytes": (b"a\0b,c\n1,2\n", "not a CSV file"),
    "zipped": (b"PK\x03\x04abc\n1\n", "not a CSV file"),
    "Latin 1": ("größe,b\n1,2\n".encode("latin-1"), "save it as CSV UTF-8"),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), "save it as CSV UTF-8"),
    "ragged": (b"a,b\n1,2\n3,4,5\n", "cannot be read as a table: Expected 2 fields in line 3, saw 3"),
    "open quote": (b'"a,b\n', "cannot be read as a table: EOF inside string"),
    "text": (b"name,a,b\nx,1,2\ny,3,4\n", "'name' holds text such as 'x', not numbers: choose others, such as --columns a,b"),
    "one word": (b"a,b\n1,2\noops,3\n2,5\n", "'a' holds text such as 'oops'"),
    "decimal commas": (b"a;b\n1,5;2,5\n3,5;4\n", "'a', 'b' hold text such as '1,5'.* decimal points in place of decimal commas"),
    "decimal commas without a header": (b"1,5;2,5\n3,5;4,1\n", "'x1', 'x2' hold text such as '1,5'.* decimal commas"),
    "decimal commas and tabs": (b"a\tb\n1,5\t2\n3,5\t4\n", "'a' holds text such as '1,5'.* decimal commas"),
    "points for thousands": (b"a;b\n1.000;2\n3.000,5;3\n", "'a' holds text such as '3.000,5'.* decimal commas"),
    "infinite": (b"a,b\n1,inf\n3,4\n", "infinite values .*1 in 'b'"),
    "only text": (b"name\nx\ny\n", "no column holds numbers"),
    "missing values": (b"a,b\n1,\n3,4\n", "missing"),
    "header only": (b"a,b\n", r"has a header \(a, b\) and no rows"),
}


@pytest.mark.parametrize(("content", "sentence"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_one_sentence(tmp_path, content, sentence):
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    result = run("fit", path)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert re.search(sentence, result.stderr)


@pytest.mark.filterwarnings("default")
def test_a_warning_is_one_line_however_many_fits_give_it(monkeypatch):
    def sweep(*_, **__):
        warnings.warn("the data are few", UserWarning, stacklevel=1)
        warnings.warn("the data are few", UserWarning, stacklevel=1)
        raise ValueError("enough")

    monkeypatch.setattr(selection, "sweep", sweep)
    assert run("select").stderr == "Warning: the data are few\nError: enough\n"


def test_files_that_cannot_be_read(tmp_path):
    assert "There is no file" in run("fit", tmp_path / "none.csv").stderr
    assert "is a folder" in run("fit", tmp_path).stderr
    assert "no column z; the columns are eruptions, waiting" in run("fit", "--columns", "z").stderr


def test_a_bad_setting_is_one_sentence(tmp_path):
    result = run("fit", "--covariance", "ful")
    assert result.exit_code == 1
    assert "Did you mean 'full'?" in result.stderr
    assert run("fit", "--chains", "0").exit_code == 2
    assert run("fly").exit_code == 2


def test_traceback_shows_where():
    result = run("--traceback", "fit", "none.csv")
    assert isinstance(result.exception, FileNotFoundError)


def test_version_and_help():
    assert run("--version").stdout.strip() == f"bayesgmm {bg.__version__}"
    assert "Exit codes" in run("--help").stdout


def test_help_is_quick():
    code = (
        "import sys, contextlib\nsys.argv = ['bayesgmm', '--help']\nfrom bayesgmm.cli import main\n"
        "with contextlib.suppress(SystemExit):\n    main()\n"
        "assert not {'pymc', 'arviz', 'nutpie', 'xarray'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_narrow_terminal_gets_all_columns(fitted, monkeypatch, capsys):
    monkeypatch.setattr(cli, "_width", lambda: 40)
    cli.select(components=[2])
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 40
    assert all(name in shown for name in ("BIC", "ICL", "elpd (se)", "converged", "trusted"))
