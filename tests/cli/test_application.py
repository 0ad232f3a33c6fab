"""What all commands share: errors, warnings, exit codes, streams and help."""

import io
import json
import re
import subprocess
import sys
import warnings

import pytest
import rich

import bayesgmm as bg
from bayesgmm import selection
from bayesgmm.cli import application, output
from bayesgmm.numbers import fixed
from tests.cli.running import run

COMMANDS = [command.__name__ for command in application.COMMANDS]


@pytest.mark.filterwarnings("default")
def test_a_warning_is_one_line_however_many_fits_give_it(monkeypatch):
    def sweep(*_, **__):
        warnings.warn("the data\nare few", UserWarning, stacklevel=1)
        warnings.warn("the data\nare few", UserWarning, stacklevel=1)
        raise ValueError("enough\nof it")

    monkeypatch.setattr(selection, "sweep", sweep)
    assert run("select").stderr == "Warning: the data are few\nError: enough of it\n"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (RuntimeError("kernel\nlost."), "RuntimeError: kernel lost. This was not foreseen: bayesgmm --traceback"),
        (ImportError("no pymc"), "ImportError: no pymc. This was not foreseen"),
        (MemoryError(), "There is not memory enough"),
        (OSError("disk"), "disk"),
    ],
)
def test_whatever_goes_wrong_is_one_sentence(monkeypatch, error, sentence):
    def sweep(*_, **__):
        raise error

    monkeypatch.setattr(selection, "sweep", sweep)
    result = run("select")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {sentence}")
    assert result.stderr.count("\n") == 1
    assert run("--traceback", "select").exception is error


def test_a_bad_setting_is_one_sentence():
    result = run("fit", "--covariance", "ful")
    assert result.exit_code == 1
    assert "Did you mean 'full'?" in result.stderr
    assert run("fit", "--chains", "0").exit_code == 2
    assert run("fly").exit_code == 2


def test_traceback_shows_where():
    result = run("--traceback", "fit", "none.csv")
    assert isinstance(result.exception, FileNotFoundError)


def test_nobody_reads(monkeypatch):
    """As of ``bayesgmm models | head -1``: no sentence, and the code that the shell would give."""

    def closed(*_, **__):
        raise BrokenPipeError

    monkeypatch.setattr(output.typer, "echo", closed)
    result = run("models", "--components", "1")
    assert result.exit_code == 141
    assert result.stderr == ""


def test_a_full_disk_behind_standard_output(monkeypatch):
    told, whole = [], output.typer.echo

    def full(message, err=False):
        if not err:
            raise OSError(28, "No space left on device")
        told.append(message)
        whole(message, err=err)

    monkeypatch.setattr(output.typer, "echo", full)
    assert run("models", "--components", "1").exit_code == 1
    assert told == ["Error: Standard output cannot be written to: No space left on device."]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_signs_that_an_encoding_lacks(monkeypatch, encoding):
    """A minus sign that became a question mark would be another number."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    output.echo(f"{fixed(-1.25, 2)} größe 漢")
    written = stream.buffer.getvalue().decode(encoding)
    assert written.startswith("-1.25 gr")
    assert written.endswith("\\u6f22\n")


def test_progress_is_for_terminals(monkeypatch):
    assert not output.progress_wanted(quiet=False)
    monkeypatch.setattr(sys, "stderr", type("Terminal", (io.StringIO,), {"isatty": lambda _: True})())
    assert output.progress_wanted(quiet=False)
    assert not output.progress_wanted(quiet=True)
    monkeypatch.setattr(sys, "stderr", None)
    assert not output.progress_wanted(quiet=False)


def test_progress_bars_go_to_stderr(monkeypatch):
    console = rich.get_console()
    before = dict(console.__dict__)
    monkeypatch.setattr(application, "app", lambda **_: None)
    try:
        application.main()
        assert rich.get_console().stderr
    finally:
        console.__dict__ = before


def test_names_of_columns_do_not_move_the_cursor(capsys):
    output.show(("name", "漢漢"), [("a\x1b[2J\nb", "1"), ("c", "22")])
    assert capsys.readouterr().out.splitlines()[:3] == ["name         漢漢", "a\\x1b[2J\\nb     1", "c              22"]


def test_version_and_help():
    assert run("--version").stdout.strip() == f"bayesgmm {bg.__version__}"
    assert "Exit codes" in run("--help").stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_a_line_for_each_option_and_examples(command):
    shown = run(command, "--help").stdout
    options, examples = re.search(r"Options:\n(.*?)\n\n  Examples:\n(.*)", shown, re.DOTALL).groups()
    assert all(re.match(r"  (-\w, )?--\w", line) for line in options.splitlines()), options
    assert max(map(len, shown.splitlines())) <= 80
    assert all(f"bayesgmm {command}" in example for example in examples.splitlines())


def test_examples_are_understood(monkeypatch):
    """Every option in them exists."""
    for command, examples in application.COMMANDS.items():
        known = run(command.__name__, "--help").stdout
        for example in examples:
            assert all(f"{option}" in known for option in re.findall(r"(?<= )--?\w+", example)), example


PROCESS = """
import contextlib, sys
from bayesgmm.cli import main
for arguments in (["--help"], ["models", "--components", "1", "--json"]):
    sys.argv = ["bayesgmm", *arguments]
    with contextlib.suppress(SystemExit):
        main()
    loaded = {"pymc", "arviz", "nutpie", "xarray", "matplotlib"} & set(sys.modules)
    print("loaded", sorted(loaded), file=sys.stderr)
"""


def test_help_and_em_load_nothing_of_mcmc():
    """In a process of its own, whose standard output is what was asked for."""
    ended = subprocess.run([sys.executable, "-c", PROCESS], capture_output=True, text=True, check=True)
    assert ended.stderr == "loaded []\n" * 2
    _, started, document = ended.stdout.partition("\n{")
    assert json.loads("{" + document)["best"]["n_components"] == 1
    assert started
