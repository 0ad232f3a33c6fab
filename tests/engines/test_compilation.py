import ctypes
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import nutpie
import pytensor
import pytensor.tensor as pt
import pytest
from numba import types

import bayesgmm as bg
from bayesgmm.engines.nuts import compilation, machine_code
from bayesgmm.engines.nuts.convention import packed, unpacking
from bayesgmm.model import free_points, model_of, variables_at
from bayesgmm.observations import Observations
from tests.interpreted import PYTHON
from tests.laws import PRIORS, priors, problem, structures_with_priors


def setting(make_prior, code, n=60, n_components=3, n_features=2, **keywords):
    """A model and a point of it."""
    X, _, truth = problem(code, n=n, n_features=n_features, n_components=n_components)
    observations = Observations.from_data(X)
    spec = bg.Specification(n_components, code, make_prior(X, code, **keywords))
    model = model_of(observations, spec)
    nuisance = spec.prior.covariances.nuisance_mode(spec.structure, truth.covariances)
    (point,) = free_points(model, spec, [(truth, nuisance)])
    return model, point


def key(model):
    numbers, transforms = compilation.arguments(model)
    return compilation.fingerprint(model, transforms, list(numbers))


@structures_with_priors
@priors
def test_models_that_differ_in_numbers_have_one_code(make_prior, code):
    """And another number of features, structure or prior has another, or else a wrong one would run."""
    one = key(setting(make_prior, code)[0])
    assert one == key(setting(make_prior, code)[0])
    assert one == key(setting(make_prior, code, n=50, n_components=1, weights_concentration=2.5)[0])
    assert one != key(setting(make_prior, code, n_features=3)[0])


def test_other_models_have_other_codes():
    keys = [key(setting(make_prior, code)[0]) for make_prior in PRIORS.values() for code in ("VVV", "EEE", "VVI", "VII")]
    assert len(set(keys)) > 3 * len(PRIORS)  # those that say the same of one structure may share


def test_an_edit_of_the_sources_makes_another_code(monkeypatch):
    model, _ = setting(PRIORS["hierarchical_wishart"], "VVV")
    before = key(model)
    assert compilation.SOURCES in compilation.VERSIONS
    monkeypatch.setattr(compilation, "VERSIONS", (*compilation.VERSIONS[:-2], "edited", compilation.VERSIONS[-1]))
    assert key(model) != before


@structures_with_priors
@priors
@pytest.mark.parametrize(("d", "n_components"), [(1, 1), (2, 3)])
def test_the_compiled_graph_is_that_of_the_model(make_prior, code, d, n_components):
    model, point = setting(make_prior, code, n_features=d, n_components=n_components)
    numbers, transforms = compilation.arguments(model)
    inputs, outputs = compilation.log_density(model, transforms, list(numbers))
    assert not [variable for variable in pytensor.graph.traversal.graph_inputs(outputs) if hasattr(variable, "get_value")]
    ours = pytensor.function(inputs, outputs, mode=PYTHON, on_unused_input="ignore")(*point.values(), *numbers.values())
    logp = model.logp()
    theirs = pytensor.function(model.value_vars, [logp, *pytensor.grad(logp, model.value_vars)], mode=PYTHON)(*point.values())
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


@structures_with_priors
@priors
def test_variables_come_back_from_free_points(make_prior, code):
    model, point = setting(make_prior, code)
    many = {name: np.stack([value, value])[None] for name, value in point.items()}
    found = variables_at(model, many)
    again = variables_at(model, point)
    assert found["means"].shape == (1, 2, 3, 2)
    for name, value in found.items():
        np.testing.assert_array_equal(value[0, 1], again[name])


def test_arguments_are_unpacked_in_order():
    """The callback in Python: what it hands on, what it writes, and what it says of numbers that are not finite."""
    seen = []

    def function(*arguments):
        seen.append(arguments)
        return np.array(2.5), np.full((2, 2), slope), np.array(7.0)

    variables = [pt.dmatrix(), pt.dscalar(), pt.dvector(), pt.lscalar(), pt.dtensor3()]
    numbers = [np.arange(3.0), 4, np.ones((2, 1, 2))]
    packet, point, out, value = packed([(2, 2), ()], numbers), np.arange(5.0), np.zeros(5), np.zeros(1)
    pointers = [array.ctypes.data_as(ctypes.POINTER(ctypes.c_double)) for array in (point, out, value)]
    call = unpacking(function, variables, 2)
    slope = 3.0
    assert call(5, *pointers, ctypes.c_void_p(packet.ctypes.data)) == 0
    expected = [[[0.0, 1.0], [2.0, 3.0]], 4.0, *numbers]
    for argument, variable, right in zip(seen[0], variables, expected, strict=True):
        np.testing.assert_array_equal(argument, right)
        assert (argument.dtype, argument.ndim) == (variable.type.dtype, variable.type.ndim)
    np.testing.assert_array_equal(out, [3, 3, 3, 3, 7])
    assert value == 2.5
    slope = np.inf
    assert call(5, *pointers, ctypes.c_void_p(packet.ctypes.data)) == 3
    assert call(4, *pointers, ctypes.c_void_p(packet.ctypes.data)) != 0


SIGNATURE = types.int64(types.int64)


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """A process of its own, as it were: nothing in memory, a folder of its own; returns a callback and how often it was made."""
    monkeypatch.setattr(machine_code, "folder", lambda: tmp_path / "codes")
    told = SimpleNamespace(made=0, folder=tmp_path / "codes")

    def make():
        told.made += 1
        return lambda x: x + 1

    def call():
        monkeypatch.setattr(machine_code, "_compiled", {})
        return machine_code.callback("key", SIGNATURE, make).ctypes(41)

    told.call = call
    return told


def test_code_is_made_once_and_kept(fresh):
    assert [fresh.call(), fresh.call(), fresh.made] == [42, 42, 1]


@pytest.mark.parametrize("damage", [lambda content: content[:100], lambda content: content[:-1] + b"x", lambda content: b""])
def test_a_damaged_file_is_as_good_as_none(fresh, damage):
    fresh.call()
    (file,) = fresh.folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert [fresh.call(), fresh.made] == [42, 2]
    assert [fresh.call(), fresh.made] == [42, 2]  # it was mended


def test_no_folder_no_failure(fresh):
    fresh.folder.write_text("A file where the folder should be.")
    assert [fresh.call(), fresh.call(), fresh.made] == [42, 42, 2]


def test_damaged_caches_of_others_are_done_without(fresh):
    flags = []

    def make():
        flags.append(pytensor.config.numba__cache)
        if flags[-1]:
            raise EOFError("Ran out of input")
        return lambda x: x + 2

    assert machine_code.callback("another key", SIGNATURE, make).ctypes(40) == 42
    assert flags == [True, False]


def test_many_may_write_at_once(fresh):
    """Who reads meanwhile finds a whole file."""
    fresh.call()
    (file,) = fresh.folder.iterdir()
    kept, content = machine_code.Kept(file), file.read_bytes()[32:]
    with ThreadPoolExecutor(8) as pool:
        wrote = [pool.submit(kept.write, content) for _ in range(40)]
        read = [fresh.call() for _ in range(50)]
    assert [future.exception() for future in wrote] == [None] * 40
    assert (read, fresh.made) == ([42] * 50, 1)
    assert [part.name for part in fresh.folder.iterdir()] == ["key.code"]


SCRIPT = """
import hashlib, sys
import bayesgmm as bg
from bayesgmm.engines.nuts import machine_code
X = bg.load_dataset("faithful")
def fit(X, n_components):
    post = bg.fit_bayes(X, n_components, engine="nuts", draws=50, tune=100, chains=2, seed=3, progress=False)
    return hashlib.sha256(post.draws.means.tobytes()).hexdigest()
if sys.argv[1] == "warm":
    def refuse(self):
        raise AssertionError("This code should have been on disk.")
    machine_code.Callback._from_function = refuse
    fit(X[:100], 2), fit(X, 3), fit(X, 1)
print(fit(X, 2))
"""


@pytest.mark.parametrize("is_cold", [False, pytest.param(True, marks=pytest.mark.grid)])
def test_a_fresh_process_finds_the_code_and_draws_the_same_bits(tmp_path, is_cold):
    """For other rows and numbers of components as well; after a process that compiled, or found, what it needed."""
    empty = {"NUMBA_CACHE_DIR": str(tmp_path / "numba"), "PYTENSOR_FLAGS": f"base_compiledir={tmp_path / 'pytensor'}"}
    environment = os.environ | (empty if is_cold else {})
    told = [
        subprocess.run([sys.executable, "-c", SCRIPT, state], env=environment, capture_output=True, text=True, check=True).stdout
        for state in ("cold", "warm")
    ]
    assert told[0] == told[1]
    assert len(told[0]) == 65


@pytest.mark.grid
def test_with_another_nutpie_its_own_compile_gives_the_same_density_and_a_fit(monkeypatch):
    """The same but for rounding; once their paths part, draws agree in law only: here within five standard errors."""
    X = np.random.default_rng(0).normal(size=(80, 1))
    settings = {"engine": "nuts", "draws": 200, "tune": 200, "chains": 2, "seed": 5, "progress": False}
    ours = bg.fit_bayes(X, 1, "VII", **settings)
    monkeypatch.setattr(compilation, "FIELDS", compilation.FIELDS | {"new"})
    assert not compilation.nutpie_is_known()
    theirs = bg.fit_bayes(X, 1, "VII", **settings)
    assert {name: values.dims for name, values in ours.tree["posterior"].items()} == {
        name: values.dims for name, values in theirs.tree["posterior"].items()
    }
    error = ours.draws.means.std() * np.sqrt(2 / 100)  # as if one in four draws counted
    assert abs(ours.draws.means.mean() - theirs.draws.means.mean()) < 5 * error
    first = [post.tree["sample_stats"]["lp"].values[:, 0] for post in (ours, theirs)]
    np.testing.assert_allclose(*first, rtol=1e-6)
    assert nutpie.__version__.startswith("0.16.")
