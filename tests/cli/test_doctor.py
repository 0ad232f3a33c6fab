"""doctor: healthy here, and each fault by its name with its cure."""

import json
import os
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from bayesgmm.cli.doctor import caches, packages, trials
from bayesgmm.interruption import PartialWarning
from tests.cli.running import run


@pytest.fixture
def examined(monkeypatch):
    """Trials that cost nothing."""
    monkeypatch.setattr(trials, "TRIALS", dict.fromkeys(trials.TRIALS, lambda: ""))


def test_healthy_here_in_earnest():
    result = run("doctor", "--json")
    assert result.exit_code == 0, result.stdout
    found = json.loads(result.stdout)
    assert found["healthy"]
    assert [trial["name"] for trial in found["trials"]] == ["compiled kernels", "EM", "loading PyMC", "Gibbs"]
    folders = {cache["folder"] for cache in found["caches"]}
    assert len(folders) == len(found["caches"]) >= 4
    kernels = [cache for cache in found["caches"] if "kernels" in cache["folder"]]
    assert kernels[0]["bytes"] > 1e5
    assert {"numpy", "pymc", "pyarrow"} <= {package["name"] for package in found["packages"]}


def test_told_to_a_person(examined):
    result = run("doctor")
    assert result.exit_code == 0, result.stdout
    for told in ("Python 3", "numba", "kernels (Numba)", "processors", "All is well."):
        assert told in result.stdout
    assert run("doctor", "--quiet").stdout.strip() == "All is well."


@pytest.mark.parametrize("name", ["EM", "NUTS"])
def test_a_trial_that_fails(examined, monkeypatch, name):
    def fails():
        raise RuntimeError("no such\ninstruction")

    monkeypatch.setitem(trials.TRIALS, name, fails)
    found = json.loads(run("doctor", "--json", "--nuts").stdout)
    assert not found["healthy"]
    assert found["trials"][-1] | {"seconds": 0} == {
        "name": name,
        "seconds": 0,
        "passed": False,
        "told": "RuntimeError: no such instruction",
    }
    result = run("doctor", "--quiet", "--nuts")
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{name} failed: RuntimeError: no such instruction. ")


def test_wrong_numbers_are_found(monkeypatch):
    monkeypatch.setattr(trials, "LOG_LIKELIHOOD", -1130.0)
    assert trials._em() == "log-likelihood -1130.2640 in place of -1130.0"
    monkeypatch.setattr(trials, "WEIGHT", 0.5)
    assert trials._drawn("gibbs").endswith("in place of 0.5")


def test_ctrl_c_is_no_fault(examined, monkeypatch):
    def interrupted():
        raise PartialWarning("part")

    monkeypatch.setitem(trials.TRIALS, "EM", interrupted)
    assert run("doctor").exit_code == 130


def test_threads_that_are_no_number(examined, monkeypatch):
    monkeypatch.setenv("BAYESGMM_THREADS", "many")
    found = json.loads(run("doctor", "--json").stdout)
    assert [problem["what"] for problem in found["problems"]] == [
        "The environment variable BAYESGMM_THREADS must be an integer of at least 1, got 'many'."
    ]
    assert found["environment"]["BAYESGMM_THREADS"] == "many"
    assert "Unset it" in run("doctor").stdout


def test_packages_that_do_not_fit(examined, monkeypatch):
    versions = {"numba": "0.1", "jax": "99"}

    def version(name):
        if name in ("numpyro", "pymc"):
            raise PackageNotFoundError
        return versions.get(name, "")

    monkeypatch.setattr(packages, "version", version)
    monkeypatch.setattr(packages, "requires", lambda _: ["numba>=0.62,<1", "pymc<6.4", *EXTRAS])
    found = {package.name: package.problems for package in packages.find()}
    assert not found["numpyro"]
    assert found["jax"][0].what == "jax is there in version 99, and bayesgmm[jax] needs <0.13."
    assert found["numba"][0].what == "numba is there in version 0.1, and bayesgmm needs <1,>=0.62."
    assert found["pymc"][0].cure == "Install it: pip install 'pymc<6.4'."
    assert run("doctor", "--quiet").stdout.count("Install it") == 3


EXTRAS = ['jax<0.13; extra == "jax"', 'numpyro<0.23; extra == "jax"']


def test_a_folder_that_may_not_be_written_to(monkeypatch, tmp_path):
    def refused(**_):
        raise PermissionError

    cache = caches.Cache(caches.KERNELS, tmp_path / "not" / "there", ("*",))
    assert not cache.exists
    assert not cache.problems
    assert (cache.n_files, cache.size) == (0, 0)
    monkeypatch.setattr(caches.tempfile, "TemporaryFile", refused)
    (problem,) = cache.problems
    assert str(cache.path) in problem.what
    assert "NUMBA_CACHE_DIR" in problem.cure


def test_a_full_disk(monkeypatch, tmp_path):
    cache = caches.Cache("PyTensor", tmp_path, ("*",))
    (tmp_path / "a").write_bytes(b"x" * 10)
    assert (cache.n_files, cache.size) == (1, 10)
    monkeypatch.setattr(caches, "LEAST_FREE", float("inf"))
    assert "MB are free" in cache.problems[0].what


def test_numba_s_folder_is_the_one_that_it_uses():
    """Each file of compiled kernels lies in a folder that is told."""
    there = {cache.path for cache in caches.find() if cache.what == caches.KERNELS}
    assert there
    assert os.environ.get("NUMBA_CACHE_DIR") or Path(caches.__file__).parents[2] / "kernels" / "__pycache__" in there
