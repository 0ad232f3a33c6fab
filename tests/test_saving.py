"""What was saved comes back equal, and nothing else comes back: every other file is refused in a sentence that names it."""

import io
import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import h5netcdf
import numpy as np
import pytest
import xarray as xr

import bayesgmm as bg
from bayesgmm.files import write_sealed
from bayesgmm.observations import DataWarning, Observations
from bayesgmm.saving import em as em_format
from bayesgmm.saving import posterior as posterior_format
from tests.handmade import drawn_around
from tests.laws import priors, problem, structures

FAITHFUL = bg.load_dataset("faithful")
KINDS = pytest.mark.parametrize("kind", ["em", "posterior"])


@pytest.fixture(scope="module")
def em():
    """MAP, so that there are nuisance variables."""
    return bg.fit_em(FAITHFUL, 2, prior=bg.Prior.weakly_informative(FAITHFUL), n_init=4)


@pytest.fixture(scope="module")
def post(em):
    return bg.relabel(drawn_around(em), "ordering")


@pytest.fixture
def saved(tmp_path, em, post):
    """Paths of a saved EM result and a saved posterior."""
    em.save(tmp_path / "fit.em")
    post.save(tmp_path / "fit.nc")
    return {"em": tmp_path / "fit.em", "posterior": tmp_path / "fit.nc"}


EM_FITS = {
    "maximum likelihood": {"n_components": 3, "covariance": "tied"},
    "MAP": {"n_components": 2, "covariance": "full", "prior": bg.Prior.weakly_informative(FAITHFUL)},
    "row weights": {"n_components": 2, "covariance": "diag", "sample_weight": np.linspace(0, 2, 272)},
    "one component": {"n_components": 1, "covariance": "spherical"},
}


@structures
@pytest.mark.parametrize("units", [[1.0, 1e3, 1e-3, 1.0], [1.0, 1e4, 1e-4, 1.0], [1.0, 1.0, 1.0, 1.0]])
def test_every_structure_comes_back_in_whatever_units(tmp_path, code, units):
    X = bg.load_dataset("iris").drop(columns="species") * units
    em = bg.fit_em(X, 2, code, n_init=1)
    em.save(tmp_path / "fit.em")
    np.testing.assert_array_equal(bg.load(tmp_path / "fit.em").mixture.covariances, em.mixture.covariances)


@pytest.mark.parametrize("settings", EM_FITS.values(), ids=EM_FITS)
def test_an_em_result_comes_back_equal(tmp_path, settings):
    em = bg.fit_em(FAITHFUL, n_init=4, **settings)
    em.save(tmp_path / "any name.txt")
    assert_same_em(bg.load(tmp_path / "any name.txt"), em)


@priors
def test_fits_under_every_prior_come_back_equal(tmp_path, make_prior):
    X = FAITHFUL.to_numpy()
    prior = make_prior(X, "full").with_mode()
    em = bg.fit_em(X, 2, "full", prior, n_init=2)
    em.save(tmp_path / "a")
    assert_same_em(bg.load(tmp_path / "a"), em)
    post = drawn_around(em, prior)
    post.save(tmp_path / "a")
    assert_same_posterior(bg.load(tmp_path / "a"), post)


def test_collapsed_and_unfinished_runs_come_back_equal(tmp_path):
    X = np.concatenate([problem("VVV", n=60)[0], np.tile(problem("VVV", n=1)[0], (8, 1))])
    with pytest.warns(UserWarning, match=r"rising|collapsed"):
        em = bg.fit_em(X, 4, n_init=6, max_iterations=3)
    em.save(tmp_path / "a")
    assert_same_em(bg.load(tmp_path / "a"), em)


def assert_same_em(again, em):
    assert isinstance(again, bg.EMResult)
    assert str(again) == str(em)
    for name in ("log_likelihood", "objective", "aic", "bic", "icl", "icl_entropy", "classification", "entropy"):
        np.testing.assert_array_equal(getattr(again, name), getattr(em, name))
    for name in ("status", "detail", "converged", "n_parameters", "n_iterations", "n_starts", "partial"):
        assert getattr(again, name) == getattr(em, name)
    np.testing.assert_array_equal(again.history, em.history)
    assert again.summary().equals(em.summary())
    assert again.specification.to_json() == em.specification.to_json()
    assert again.observations.names == em.observations.names
    for name in ("values", "weights"):
        np.testing.assert_array_equal(getattr(again.observations, name), getattr(em.observations, name))
    assert [run is again.best for run in again.runs] == [run is em.best for run in em.runs]
    for left, right in zip(again.runs, em.runs, strict=True):
        assert (left.origin, left.history, left.status, left.detail) == (right.origin, right.history, right.status, right.detail)
        assert left.log_likelihood == right.log_likelihood
        for name in ("weights", "means", "covariances"):
            np.testing.assert_array_equal(getattr(left.mixture, name), getattr(right.mixture, name))
        assert left.nuisance.keys() == right.nuisance.keys()
        for name, values in left.nuisance.items():
            np.testing.assert_array_equal(values, right.nuisance[name])


@pytest.mark.parametrize("relabelled", [False, True])
def test_a_posterior_comes_back_equal(tmp_path, post, relabelled):
    post = post if relabelled else post.as_drawn()
    post.save(tmp_path / "a")
    again = bg.load(tmp_path / "a")
    assert_same_posterior(again, post)
    again.save(tmp_path / "a")
    assert_same_posterior(bg.load(tmp_path / "a"), post)


def assert_same_posterior(again, post):
    assert isinstance(again, bg.Posterior)
    xr.testing.assert_identical(again.tree, post.tree)
    assert again.tree.attrs == post.tree.attrs
    assert again.specification.to_json() == post.specification.to_json()
    assert again.observations.names == post.observations.names
    np.testing.assert_array_equal(again.observations.values, post.observations.values)
    assert str(again) == str(post)
    assert bg.diagnose(again).verdict == bg.diagnose(post).verdict


def test_other_programs_read_a_posterior(saved, post):
    with xr.open_datatree(saved["posterior"], engine="h5netcdf") as tree:
        np.testing.assert_array_equal(tree["posterior"]["means"], post.tree["posterior"]["means"])
        assert list(tree["posterior"]["feature"].to_numpy()) == ["eruptions", "waiting"]
    with np.load(saved["em"], allow_pickle=False) as arrays:
        assert arrays["values"].shape == (272, 2)


def netcdf_of_others():
    return bytes(xr.Dataset({"a": 1}).to_netcdf(engine="h5netcdf"))


def npz_of_others():
    buffer = io.BytesIO()
    np.savez(buffer, a=np.arange(3))
    return buffer.getvalue()


FOREIGN = {
    "empty": (b"", "is empty"),
    "text": (b"eruptions,waiting\n1,2\n", "it begins with b'eruption'"),
    "JPEG": (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "was not saved by bayesgmm: it begins with"),
    "pickle": (pickle.dumps({"a": 1}), "was not saved by bayesgmm: it begins with"),
    "netCDF of another program": (netcdf_of_others(), "another program: the checksum at its end is missing"),
    "npz of another program": (npz_of_others(), "another program: the checksum at its end is missing"),
    "zip": (b"PK\x03\x04" + bytes(50), "checksum at its end is missing"),
    "half a signature": (b"\x89HDF", "was not saved by bayesgmm: it begins with"),
}


@pytest.mark.parametrize(("content", "sentence"), FOREIGN.values(), ids=FOREIGN)
def test_foreign_files_are_refused(tmp_path, content, sentence):
    path = tmp_path / "fit.nc"
    path.write_bytes(content)
    assert sentence in refusal(path)


def test_sealed_files_of_others_are_refused(tmp_path):
    """As if somebody had put our checksum at their end."""
    path = tmp_path / "fit.nc"
    for content, sentence in (
        (netcdf_of_others(), "its schema is None"),
        (npz_of_others(), "holds no about"),
        (b"PK\x03\x04" + bytes(50), "it is not what its first bytes say that it is (BadZipFile"),
        (posterior_format.BEGINS + bytes(50), "it is not what its first bytes say that it is (OSError"),
    ):
        write_sealed(path, content)
        assert sentence in refusal(path)


def test_what_is_no_file(tmp_path):
    assert "is a folder, not a file" in refusal(tmp_path)
    with pytest.raises(FileNotFoundError, match="There is no file"):
        bg.load(tmp_path / "none")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        assert "is a device or a pipe" in refusal(tmp_path / "pipe")


@KINDS
def test_files_cut_short_are_refused(saved, kind):
    path, whole = saved[kind], saved[kind].read_bytes()
    for length in np.linspace(0, len(whole) - 1, 40).astype(int):
        path.write_bytes(whole[:length])
        refusal(path)


@KINDS
def test_files_with_a_changed_byte_are_refused(saved, kind):
    path, whole = saved[kind], saved[kind].read_bytes()
    rng = np.random.default_rng(1)
    for place, flip in zip(rng.integers(len(whole), size=200), rng.integers(1, 256, size=200), strict=True):
        content = bytearray(whole)
        content[place] ^= flip
        path.write_bytes(content)
        refusal(path)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # h5netcdf closes what it could not open
@KINDS
def test_sealed_rubbish_is_refused_or_passes_all_checks(saved, kind):
    """Damage of which the checksum knows nothing goes to the libraries below, whose errors must not come through."""
    path, whole = saved[kind], saved[kind].read_bytes()
    length, rng = len(whole) - 82, np.random.default_rng(2)
    for _ in range(100):
        content = bytearray(whole[:length])
        content[rng.integers(8, length)] ^= rng.integers(1, 256)
        write_sealed(path, bytes(content))
        try:
            bg.load(path)
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017 - that nothing is raised is fine too


@KINDS
def test_no_file_stays_open(saved, kind):
    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc")
    before = len(os.listdir("/proc/self/fd"))
    saved[kind].write_bytes(saved[kind].read_bytes()[:-100])
    refusal(saved[kind])
    assert len(os.listdir("/proc/self/fd")) == before


def refusal(path):
    """The one sentence in which a file is refused; it names the file."""
    with pytest.raises(ValueError, match=re.escape(str(path))) as caught:
        bg.load(path)
    assert type(caught.value) is ValueError
    told = str(caught.value)
    assert told.startswith(f"{path} cannot be loaded: it")
    assert told.endswith(".")
    assert "\n" not in told
    return told


def changed_tree(change):
    """Change a posterior's tree."""

    def write(path, post):
        tree = xr.open_datatree(io.BytesIO(posterior_format.pack(*vars_of(post))), engine="h5netcdf").load()
        tree = change(tree) or tree
        write_sealed(path, tree.to_netcdf(engine="h5netcdf"))

    return write


def vars_of(post):
    return post.tree, post.specification, post.observations


def attribute(name, value):
    def change(tree):
        if value is None:
            del tree.attrs[name]
        else:
            tree.attrs[name] = value

    return changed_tree(change)


def without(path):
    def change(tree):
        group, *names = path.split("/")
        if names:
            tree[group] = xr.DataTree(tree[group].to_dataset().drop_vars(names))
        else:
            del tree[group]

    return changed_tree(change)


def variable(path, make):
    """Replace a variable by what is made of it."""

    def change(tree):
        group, name = path.split("/")
        dataset = tree[group].to_dataset()
        tree[group] = xr.DataTree(dataset.drop_vars(name).assign({name: make(dataset[name])}))

    return changed_tree(change)


def entry(path, index, value):
    def make(found):
        values = found.to_numpy().copy()
        values[index] = value
        return found.copy(data=values)

    return variable(path, make)


def setting_of(tree, **values):
    tree.attrs["settings"] = json.dumps(json.loads(tree.attrs["settings"]) | values)


def setting(name, value):
    return changed_tree(lambda tree: setting_of(tree, **{name: value}))


def specified(change):
    """Change the JSON of the specification."""

    def alter(tree):
        saved = json.loads(tree.attrs["specification"])
        change(saved)
        tree.attrs["specification"] = json.dumps(saved)

    return changed_tree(alter)


def huge(path, post):
    """A variable that declares terabytes and holds nothing."""
    buffer = io.BytesIO(posterior_format.pack(*vars_of(post)))
    with h5netcdf.File(buffer, "r+") as file:
        file["posterior"].dimensions["many"] = 10**12
        file["posterior"].create_variable("extra", ("many",), "f8", chunks=(1000,))
    write_sealed(path, buffer.getvalue())


def with_proposal(n_coordinates=11, log_p=-np.inf):
    """A group of a Laplace approximation; right with eleven coordinates and log densities that are minus infinity at worst."""

    def add(tree):
        both, shape = ("chain", "draw"), tree["sample_stats/lp"].shape
        numbers = {"log_p": (both, np.full(shape, log_p)), "log_g": (both, np.zeros(shape))}
        coordinates = ((*both, "coordinate"), np.zeros((*shape, n_coordinates)))
        tree["proposal"] = xr.DataTree(xr.Dataset({**numbers, "coordinates": coordinates}))

    return changed_tree(add)


def test_a_proposal_is_read(tmp_path, post):
    with_proposal()(tmp_path / "fit.nc", post)
    assert "proposal" in bg.load(tmp_path / "fit.nc").tree.children


def only_the_first_feature(tree):
    tree["observed_data"] = xr.DataTree(tree["observed_data"].to_dataset().isel(feature=[0]))


BAD_POSTERIORS = {
    "schema missing": (attribute("schema", None), "its schema is None, not 'bayesgmm-posterior-1'"),
    "schema of another kind": (attribute("schema", "bayesgmm-em-1"), "was not saved by bayesgmm"),
    "schema a number": (attribute("schema", 7), "was not saved by bayesgmm"),
    "schema newer": (attribute("schema", "bayesgmm-posterior-2"), "saved by a newer bayesgmm.*upgrade bayesgmm"),
    "schema of version zero": (attribute("schema", "bayesgmm-posterior-0"), "was not saved by bayesgmm"),
    "schema of a version beyond reason": (attribute("schema", "bayesgmm-posterior-" + "9" * 5000), "newer"),
    "no posterior": (without("posterior"), "holds no group posterior"),
    "no sample_stats": (without("sample_stats"), "holds no group sample_stats"),
    "no data": (without("observed_data"), "holds no group observed_data"),
    "no constants": (without("constant_data"), "holds no group constant_data"),
    "no weights": (without("posterior/weights"), "holds no weights in the group posterior"),
    "no lp": (without("sample_stats/lp"), "holds no lp"),
    "no x": (without("observed_data/x"), "holds no x"),
    "no permutation": (without("relabelling/permutation"), "holds no permutation"),
    "dims in another order": (variable("posterior/means", lambda x: x.transpose("draw", "chain", ...)), "means with the dims"),
    "other components": (
        variable("posterior/weights", lambda x: x.isel(component=[0]).rename(component="k")),
        "weights with the dims chain, draw, k",
    ),
    "other features": (changed_tree(only_the_first_feature), "observations of shape"),
    "other draws": (
        changed_tree(lambda t: t.assign(sample_stats=xr.DataTree(t["sample_stats"].to_dataset().isel(draw=slice(5))))),
        "lp of shape",
    ),
    "no draws": (changed_tree(lambda t: t.assign(posterior=xr.DataTree(t["posterior"].to_dataset().isel(draw=[])))), "no draws"),
    "weights NaN": (entry("posterior/weights", (0, 0, 0), np.nan), "weights of which 1 are NaN"),
    "weights negative": (entry("posterior/weights", (0, 0), [-0.5, 1.5]), "not shares"),
    "weights off the simplex": (entry("posterior/weights", (0, 0), [0.5, 0.6]), "not shares"),
    "means infinite": (entry("posterior/means", (0, 0, 0, 0), np.inf), "means of which 1 are NaN or infinite"),
    "covariances not definite": (entry("posterior/covariances", (0, 0, 0), [[1.0, 2.0], [2.0, 1.0]]), "not positive definite"),
    "covariances negative": (entry("posterior/covariances", (0, 0, 0), -np.eye(2)), "not positive definite"),
    "covariances asymmetric": (entry("posterior/covariances", (0, 0, 0), [[1.0, 0.5], [0.0, 1.0]]), "not symmetric"),
    "nuisance NaN": (entry("posterior/precisions_rate", (0, 0, 0), np.nan), "precisions_rate with values that are missing"),
    "means text": (variable("posterior/means", lambda x: x.astype(str)), "means of dtype"),
    "weights in single precision": (variable("posterior/weights", lambda x: x.astype("f4")), "weights of dtype float32"),
    "lp NaN": (entry("sample_stats/lp", (1, 2), np.nan), "lp of which 1 are NaN"),
    "diverging a number": (variable("sample_stats/diverging", lambda x: x.astype(float)), "diverging of dtype float64"),
    "proposal of few coordinates": (with_proposal(10), "coordinates of shape"),
    "proposal NaN": (with_proposal(log_p=np.nan), "log_p that are no log densities"),
    "proposal infinite": (with_proposal(log_p=np.inf), "log_p that are no log densities"),
    "totals NaN": (
        changed_tree(lambda t: t["sample_stats"].update({"total_log_likelihood": np.nan * t["sample_stats/lp"]})),
        "total_log_likelihood of which",
    ),
    "log-likelihood NaN": (entry("log_likelihood/x", (0, 0, 0), np.nan), "x of which 1 are NaN"),
    "log-likelihood twice": (
        changed_tree(lambda t: t["log_likelihood"].update({"y": t["log_likelihood/x"]})),
        "2 variables in log_likelihood",
    ),
    "data NaN": (entry("observed_data/x", (3, 1), np.nan), "observations of which 1 are NaN"),
    "data constant": (variable("observed_data/x", lambda x: x * 0), "observations cannot be used: .*do not vary"),
    "no permutations": (entry("relabelling/permutation", (0, 0), [0, 0]), "not orders of the components"),
    "permutations beyond K": (entry("relabelling/permutation", (0, 0), [1, 2]), "not orders of the components"),
    "permutations of floats": (variable("relabelling/permutation", lambda x: x + 0.5), "not orders of the components"),
    "no method": (changed_tree(lambda t: t["relabelling"].attrs.clear()), "method of its relabelling"),
    "settings missing": (attribute("settings", None), "has no settings"),
    "settings no JSON": (attribute("settings", "{"), "settings cannot be parsed as JSON"),
    "settings a list": (attribute("settings", "[1]"), "a JSON list as its settings, not a dict"),
    "settings numbers": (attribute("settings", np.arange(3)), "no text as its settings"),
    "settings too deep": (attribute("settings", "[" * 30000 + "]" * 30000), "nested too deeply"),
    "draws text": (setting("draws", "many"), "make no sense: draws"),
    "chains true": (setting("chains", True), "make no sense: chains"),
    "seed text": (setting("seed", "0"), "make no sense: seed"),
    "versions a list": (setting("versions", ["1.0"]), "make no sense: versions"),
    "seconds text": (setting("seconds", {"sample": "long"}), "make no sense: seconds"),
    "target_accept NaN": (setting("target_accept", float("nan")), "make no sense: target_accept"),
    "partial a word": (setting("partial", "yes"), "make no sense: partial"),
    "doubt a number": (setting("doubt", 3), "make no sense: doubt"),
    "drawn a number": (setting("drawn", 3), "make no sense: drawn"),
    "partial of nothing": (
        changed_tree(lambda t: setting_of(t, partial=True, drawn=None)),
        "make no sense: drawn",
    ),
    "names missing": (attribute("names", None), "has no names of the features"),
    "names numbers": (attribute("names", "[1, 2]"), "not all text"),
    "names twice": (attribute("names", '["a", "a"]'), "observations cannot be used"),
    "names too many": (attribute("names", '["a", "b", "c"]'), "observations of shape"),
    "names a word": (attribute("names", '"ab"'), "a JSON str as its names of the features, not a list"),
    "specification missing": (attribute("specification", None), "has no specification"),
    "specification no JSON": (attribute("specification", "full"), "specification cannot be parsed as JSON"),
    "specification empty": (attribute("specification", "{}"), "it lacks something in its specification"),
    "structure unknown": (specified(lambda s: s.update(covariance="XXX")), "Unknown covariance structure 'XXX'"),
    "structure a list": (specified(lambda s: s.update(covariance=["full"])), "specification cannot be used"),
    "K zero": (specified(lambda s: s.update(n_components=0)), "n_components must be at least 1"),
    "K three": (specified(lambda s: s.update(n_components=3)), "weights of shape"),
    "K text": (specified(lambda s: s.update(n_components="2")), "n_components must be an integer"),
    "K too many": (specified(lambda s: s.update(n_components=10**6)), "cannot be told apart|weights of shape"),
    "no prior": (specified(lambda s: s.update(prior=None)), "without a prior"),
    "prior unknown": (specified(lambda s: s["prior"]["covariances"].update(kind="magic")), "Unknown prior on covariances"),
    "prior of bad numbers": (specified(lambda s: s["prior"]["covariances"].update(concentration=-1)), "cannot be used"),
    "prior of text": (specified(lambda s: s["prior"]["means"].update(scale="wide")), "cannot be used"),
    "prior of infinite numbers": (specified(lambda s: s["prior"]["means"].update(scale=[1e999, 1])), "cannot be used"),
    "prior with an unknown number": (specified(lambda s: s["prior"]["means"].update(colour=1)), "cannot be used"),
    "prior of other features": (specified(lambda s: s["prior"]["means"].update(location=[0] * 3, scale=[1] * 3)), "3 features"),
    "prior on weights left out": (specified(lambda s: s["prior"].pop("weights")), "cannot be used"),
    "prior parts exchanged": (specified(lambda s: s["prior"].update(weights=s["prior"]["means"])), "cannot be used"),
    "structure of other draws": (specified(lambda s: s.update(covariance="diag")), "cannot be used"),
    "terabytes declared": (huge, "declares more data than it holds"),
}


@pytest.mark.parametrize(("write", "sentence"), BAD_POSTERIORS.values(), ids=BAD_POSTERIORS)
def test_posteriors_that_cannot_be_are_refused(tmp_path, post, write, sentence):
    path = tmp_path / "fit.nc"
    write(path, post)
    with pytest.raises(ValueError, match=sentence):
        bg.load(path)
    refusal(path)


def test_draws_of_another_structure_are_refused(tmp_path, em):
    tied = bg.fit_em(FAITHFUL, 2, "tied")
    tree = drawn_around(em).tree
    path = tmp_path / "fit.nc"
    write_sealed(path, posterior_format.pack(tree, drawn_around(tied).specification, em.observations))
    assert "do not have the structure EEE" in refusal(path)


def changed_arrays(change):
    """Change the arrays of an EM result."""

    def write(path, em):
        packed = em_format.pack(em.specification, em.observations, em.best, em.runs, em.n_starts)
        with np.load(io.BytesIO(packed)) as archive:
            arrays = dict(archive)
        change(arrays)
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        write_sealed(path, buffer.getvalue())

    return write


def about(change):
    """Change the JSON of an EM result."""

    def alter(arrays):
        told = json.loads(str(arrays["about"]))
        change(told)
        arrays["about"] = np.array(json.dumps(told))

    return changed_arrays(alter)


def compressed(path, em):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, values=np.zeros(10**6))
    write_sealed(path, buffer.getvalue())


def pickled(arrays):
    arrays["means"] = np.array([{"a": 1}], dtype=object)


BAD_EM = {
    "nothing told": (changed_arrays(lambda a: a.pop("about")), "holds no about"),
    "told in numbers": (changed_arrays(lambda a: a.update(about=np.arange(3))), "no text as its description"),
    "told no JSON": (changed_arrays(lambda a: a.update(about=np.array("{"))), "description cannot be parsed as JSON"),
    "told too deep": (changed_arrays(lambda a: a.update(about=np.array("[" * 30000))), "nested too deeply"),
    "schema newer": (about(lambda t: t.update(schema="bayesgmm-em-4")), "newer bayesgmm.*upgrade"),
    "schema of another kind": (about(lambda t: t.update(schema="bayesgmm-posterior-1")), "was not saved by bayesgmm"),
    "pickled": (changed_arrays(pickled), "it is not what its first bytes say .*allow_pickle"),
    "compressed": (compressed, "is compressed in it"),
    "no means": (changed_arrays(lambda a: a.pop("means")), "holds no means"),
    "means of another shape": (changed_arrays(lambda a: a.update(means=a["means"][:1])), "means of shape"),
    "means NaN": (changed_arrays(lambda a: a.update(means=a["means"] * np.nan)), "means of which"),
    "means of integers": (changed_arrays(lambda a: a.update(means=a["means"].astype(int))), "means of dtype int64"),
    "weights off the simplex": (changed_arrays(lambda a: a.update(weights=2 * a["weights"])), "not shares"),
    "covariances not definite": (changed_arrays(lambda a: a.update(covariances=-a["covariances"])), "not positive definite"),
    "data NaN": (changed_arrays(lambda a: a.update(values=a["values"] * np.nan)), "rows without any value"),
    "data one-dimensional": (changed_arrays(lambda a: a.update(values=a["values"][:, 0])), "observations of shape"),
    "row weights short": (changed_arrays(lambda a: a.update(row_weights=np.ones(3))), "weights of rows of shape"),
    "row weights negative": (changed_arrays(lambda a: a.update(row_weights=-np.ones(272))), "observations cannot be used"),
    "histories too long": (changed_arrays(lambda a: a.update(histories=np.ones(10**4))), "lengths of histories"),
    "lengths negative": (changed_arrays(lambda a: a.update(lengths=-a["lengths"])), "lengths of histories"),
    "lengths of nothing": (changed_arrays(lambda a: a.update(lengths=np.array(3))), "lengths of histories"),
    "log-likelihoods text": (changed_arrays(lambda a: a.update(log_likelihoods=np.array(["a"] * 3))), "log-likelihoods of dtype"),
    "nuisance short": (changed_arrays(lambda a: a.update({"nuisance precisions_rate": np.ones((1, 2, 2))})), "nuisance"),
    "nuisance a number": (changed_arrays(lambda a: a.update({"nuisance precisions_rate": np.array(1.0)})), "nuisance"),
    "no runs": (about(lambda t: t.update(runs=[])), "no list of runs"),
    "runs text": (about(lambda t: t.update(runs=["a"] * 3)), "no list of runs"),
    "a run fewer": (about(lambda t: t["runs"].pop()), "weights of shape"),
    "status unknown": (about(lambda t: t["runs"][0].update(status="FINE")), "ended as 'FINE'"),
    "detail a number": (about(lambda t: t["runs"][0].update(detail=3)), "detail is 3, not text"),
    "best beyond the runs": (about(lambda t: t.update(best=3)), "names run 3 of 3"),
    "best a word": (about(lambda t: t.update(best="first")), "names run 'first'"),
    "fewer starts than runs": (about(lambda t: t.update(n_starts=1)), "1 starts"),
    "specification a list": (about(lambda t: t.update(specification=[])), "no text as its specification"),
    "names a dict": (about(lambda t: t.update(names='{"a": 1}')), "a JSON dict as its names of the features"),
}


@pytest.mark.parametrize(("write", "sentence"), BAD_EM.values(), ids=BAD_EM)
def test_em_results_that_cannot_be_are_refused(tmp_path, em, write, sentence):
    path = tmp_path / "fit.em"
    write(path, em)
    with pytest.raises(ValueError, match=sentence):
        bg.load(path)
    refusal(path)


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import bayesgmm as bg
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
old, other = map(Path, sys.argv[1:])
fit, before = bg.load(old), old.read_bytes()
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
try:
    fit.save(old)
except OSError as error:
    print(error)
assert old.read_bytes() == before
assert [path.name for path in old.parent.iterdir()] == [old.name]
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
fit.save(other)
"""


@KINDS
def test_a_full_disk_costs_nothing(saved, tmp_path, kind, em, post):
    pytest.importorskip("resource")
    folder = tmp_path / "full"
    folder.mkdir()
    old, other = folder / "old", tmp_path / "other"
    old.write_bytes(saved[kind].read_bytes())
    script = [sys.executable, "-c", FULL_DISK, str(old), str(other)]
    told = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    assert f"{old} could not be written: File too large" in told
    assert "Nothing in memory is lost, and what was there before is as it was: free some space" in told
    (assert_same_em if kind == "em" else assert_same_posterior)(bg.load(other), em if kind == "em" else post)


def test_saving_into_no_folder_is_told(em, tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        em.save(tmp_path / "nowhere" / "fit.em")


def test_names_that_netcdf_cannot_hold_come_back(tmp_path):
    names = ["a\0b", "\ud800"]
    em = bg.fit_em(Observations.from_data(FAITHFUL.to_numpy(), names=names), 2, n_init=1)
    post = drawn_around(em)
    for fit in (em, post):
        fit.save(tmp_path / "a")
        assert bg.load(tmp_path / "a").observations.names == tuple(names)


def test_loading_warns_of_nothing(tmp_path):
    """What fit_em warned of is not said again by a file; warnings are errors here."""
    X = np.random.default_rng(0).normal(size=(12, 3))
    with pytest.warns(DataWarning, match="12 rows for"):
        em = bg.fit_em(X, 2, prior=bg.Prior.weakly_informative(X))
    em.save(tmp_path / "a")
    assert bg.load(tmp_path / "a").bic == em.bic


@pytest.fixture(scope="module")
def unknown():
    concentration = bg.Concentration.dynamic()
    return bg.fit_mfm(
        FAITHFUL, bg.ComponentsPrior.poisson(1.0), "tied", concentration=concentration, draws=30, tune=10, progress=False
    )


def test_a_posterior_of_unknown_number_comes_back_equal(tmp_path, unknown):
    unknown.save(tmp_path / "k.nc")
    back = bg.load(tmp_path / "k.nc")
    assert isinstance(back, bg.MfmPosterior)
    xr.testing.assert_identical(back.tree["posterior"].to_dataset(), unknown.tree["posterior"].to_dataset())
    assert str(back) == str(unknown)
    assert back.specification.to_json() == unknown.specification.to_json()
    assert back.settings == unknown.settings


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("n_components", lambda k: k + 1000, "n_components that do not count"),
        ("n_filled", lambda f: f * 0, "n_filled that do not count"),
        ("weights", lambda w: w * np.nan, "missing, infinite or no numbers"),
        ("weights", lambda w: 2 * w, "not shares"),
        ("covariances", lambda c: -c, "covariances"),
    ],
)
def test_a_posterior_of_unknown_number_that_cannot_be_is_refused(tmp_path, unknown, name, change, sentence):
    tree = unknown.tree.copy(deep=True)
    tree["posterior"][name] = change(tree["posterior"][name])
    bg.MfmPosterior(tree, unknown.specification, unknown.observations).save(tmp_path / "k.nc")
    with pytest.raises(ValueError, match=sentence):
        bg.load(tmp_path / "k.nc")
