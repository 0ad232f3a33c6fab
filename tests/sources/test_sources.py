"""Rows from elsewhere are the rows of the array: same checks, same fits, and sentences that say where."""

import dataclasses
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import bayesgmm as bg
from bayesgmm.em import ConvergenceWarning
from bayesgmm.observations import Observations
from bayesgmm.sources import Blocks, Csv, Npy, Parquet, Stored, Survey, open_source
from bayesgmm.sources.source import Source, added_up

NAMES = ("a", "b c", "é")


@pytest.fixture(scope="module")
def table():
    X, _, _ = bg.simulate(3000, 3, 3, 4.0, seed=3)
    return pd.DataFrame(X, columns=NAMES)


@pytest.fixture(params=["npy", "npy by columns", "parquet", "folder", "csv", "blocks"])
def source(request, table, tmp_path, monkeypatch):
    monkeypatch.setattr(Source, "block_rows", 700)  # several blocks, the last of another size
    match request.param:
        case "npy":
            np.save(tmp_path / "x.npy", np.ascontiguousarray(table.to_numpy()))
            return Npy(tmp_path / "x.npy", names=NAMES)
        case "npy by columns":
            np.save(tmp_path / "x.npy", np.asfortranarray(table.to_numpy()))
            return Npy(tmp_path / "x.npy", names=NAMES)
        case "parquet":
            table.to_parquet(tmp_path / "x.parquet", row_group_size=1000)
            return open_source(tmp_path / "x.parquet")
        case "folder":
            for part, first in enumerate(range(0, 3000, 800)):
                table[first : first + 800].to_parquet(tmp_path / f"part-{part}.parquet")
            return open_source(tmp_path)
        case "csv":
            table.to_csv(tmp_path / "x.csv", index=False)
            return open_source(tmp_path / "x.csv")
    return Blocks(lambda: (table[first : first + 900] for first in range(0, 3000, 900)))


def test_all_that_is_measured_is_that_of_the_array(source, table):
    there, here = Observations.from_data(source), Observations.from_data(table)
    assert there.names == here.names
    assert there.n_observations == here.n_observations
    np.testing.assert_array_equal(there.ranges, here.ranges)
    np.testing.assert_array_equal(there.midranges, here.midranges)
    np.testing.assert_allclose(there.mean, here.mean, rtol=1e-13)
    np.testing.assert_allclose(there.covariance, here.covariance, rtol=1e-12, atol=1e-14)
    assert there.distinct_rows(50) == 50


def test_numbers_are_rows(source, table):
    stored, rng = Stored(source, 3000), np.random.default_rng(0)
    rows = rng.permutation(3000)[:100]
    np.testing.assert_allclose(stored[rows], table.to_numpy()[rows], rtol=1e-15)
    with pytest.raises(TypeError, match="3,000 rows are read block by block"):
        np.asarray(stored)


def test_how_rows_are_cut_changes_no_bit(table, monkeypatch):
    """Neither the statistics nor the moments' order of summing hang on the sizes in which a source has its rows."""
    monkeypatch.setattr(Source, "block_rows", 256)
    m = bg.fit_em(table, 3).mixture
    cuts = [[3000], [256] * 11 + [184], [1, 255, 700, 2044], [100] * 30]
    sources = [Blocks(partial(parts, table, np.cumsum([0, *cut]))) for cut in cuts]
    first, *others = (m.expected_statistics(Observations.from_data(source)) for source in sources)
    for other in others:
        for field in dataclasses.fields(first):
            np.testing.assert_array_equal(getattr(other, field.name), getattr(first, field.name))


def test_the_rows_of_the_caller_stay_as_they_are():
    """A block of one row, or of columns in a row, is its own transpose in memory."""
    X = np.asfortranarray(bg.simulate(50, 2, 3, seed=0)[0])
    before = X.copy()
    Observations.from_data(Blocks(partial(parts, X, (0, 1, 2, 30, 50))))
    Observations.from_data(Blocks(lambda: [X]))
    np.testing.assert_array_equal(X, before)


def parts(table, ends):
    return (table[a:b] for a, b in pairwise(ends))


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 64, 65, 513])
def test_a_sum_is_in_order(n):
    parts = [(i,) for i in range(n)]
    assert (added_up(parts) or ()) == tuple(range(n))


def test_a_fit_is_that_of_the_array(source, table):
    start = bg.fit_em(table, 3).mixture
    there, here = bg.fit_em(source, 3), bg.fit_em(table, 3, start=start)
    assert there.log_likelihood == pytest.approx(here.log_likelihood, abs=1e-6)
    assert there.bic == pytest.approx(here.bic, abs=2e-6)
    assert there.icl == pytest.approx(here.icl, abs=1e-3)
    density = there.mixture.log_density(source)
    np.testing.assert_allclose(density, there.mixture.log_density(table), rtol=1e-12)
    np.testing.assert_array_equal(there.mixture.predict(source), there.mixture.predict(table))


def test_statistics_are_those_of_the_array(source, table):
    m = bg.fit_em(table, 2).mixture
    there, here = (m.expected_statistics(Observations.from_data(X)) for X in (source, table))
    for field in dataclasses.fields(here):
        np.testing.assert_allclose(getattr(there, field.name), getattr(here, field.name), rtol=1e-11, atol=1e-9)


def test_few_passes_are_enough(tmp_path):
    """The derivative of EM's map on some rows serves for all: a handful of passes, where Anderson's acceleration makes more."""
    X, _, _ = bg.simulate(300_000, 3, 2, 3.0, seed=1)
    np.save(tmp_path / "x.npy", X)
    there = bg.fit_em(Npy(tmp_path / "x.npy"), 3)
    here = bg.fit_em(X, 3, start=there.mixture)
    assert there.converged
    assert there.n_passes <= 8
    assert there.log_likelihood == pytest.approx(here.log_likelihood, abs=1e-5)


def test_noise_that_nothing_comes_from_is_no_reason_to_fail():
    """Its weight goes to zero, where EM's map has no derivative."""
    X, _, _ = bg.simulate(5000, 3, 2, 4.0, seed=1)
    em = bg.fit_em(Blocks(lambda: [X]), 3, noise=True)
    assert em.converged
    assert em.mixture.noise_weight < 1e-12


def test_it_is_said_where_a_value_is_missing(table, tmp_path, monkeypatch):
    monkeypatch.setattr(Source, "block_rows", 700)
    holes = table.copy()
    holes.iloc[1750, 1] = np.nan
    holes.to_parquet(tmp_path / "x.parquet", row_group_size=1000)
    with pytest.raises(ValueError, match=r"x.parquet, row group 1 has a missing value in column 'b c', row 750 .* the only one"):
        bg.fit_em(open_source(tmp_path / "x.parquet"), 2)
    holes.iloc[1750, 1] = np.inf
    np.save(tmp_path / "x.npy", np.ascontiguousarray(holes.to_numpy()))
    with pytest.raises(ValueError, match=r"x.npy has an infinite value in column 'x2', row 1750 "):
        bg.fit_em(open_source(tmp_path / "x.npy"), 2)


def test_what_cannot_be_opened_is_refused(table, tmp_path):
    with pytest.raises(FileNotFoundError, match="no file or folder"):
        open_source(tmp_path / "nothing.npy")
    (tmp_path / "x.xls").write_bytes(b"")
    with pytest.raises(ValueError, match=r"suffix that is none of \.npy.* write it as Parquet, or give blocks"):
        open_source(tmp_path / "x.xls")
    table.assign(species="setosa").to_parquet(tmp_path / "x.parquet")
    with pytest.raises(ValueError, match=r"must hold real numbers: 'species'"):
        open_source(tmp_path / "x.parquet")
    with pytest.raises(ValueError, match="has no column 'd'"):
        open_source(tmp_path / "x.parquet", ["a", "d"])
    assert open_source(tmp_path / "x.parquet", ["é", "a"]).names == ("é", "a")
    np.save(tmp_path / "f.npy", np.ones((2, 2), dtype=complex))
    with pytest.raises(ValueError, match=r"must hold rows and columns of real numbers, got complex128 of shape \(2, 2\)"):
        open_source(tmp_path / "f.npy")
    with pytest.raises(TypeError, match="factory must be a function"):
        Blocks(table)


def test_a_source_that_changes_is_refused(table):
    sizes = iter([3000, 3000, 2000])
    changing = Blocks(lambda: [table[: next(sizes)]])
    stored = Observations.from_data(changing)
    with pytest.raises(ValueError, match="another number of rows than the 3,000"):
        bg.fit_em(table, 2).mixture.expected_statistics(stored)


def test_models_are_compared_in_few_readings(table):
    n_readings = []

    def read():
        n_readings.append(1)
        yield table

    found = bg.select_model(Blocks(read), n_components=[2, 3], covariances=["full", "diag"])
    here = bg.select_model(table, n_components=[2, 3], covariances=["full", "diag"])
    assert found.ranking.index.tolist() == here.ranking.index.tolist()
    np.testing.assert_allclose(found.ranking, here.ranking, atol=1e-4)
    assert len(n_readings) < 60  # a few for each of four models and its criteria


def test_a_column_that_varies_in_a_row_or_two_is_as_in_memory(monkeypatch):
    """Most samples of the rows do not show it."""
    monkeypatch.setattr("bayesgmm.pilot.ROWS", 200)
    X, _, _ = bg.simulate(3000, 2, 2, 4.0, seed=1)
    X = np.column_stack([X, np.zeros(3000)])
    X[7, 2] = 1.0
    with pytest.warns(ConvergenceWarning, match="collapsed"):
        em = bg.fit_em(Blocks(lambda: [X]), 2)
    assert not em.converged


def test_moments_do_not_hang_on_the_cut_and_count_weights(table, monkeypatch):
    monkeypatch.setattr(Source, "block_rows", 256)
    weights = np.random.default_rng(1).integers(0, 3, 3000).astype(float)
    here = Observations.from_data(table, weights)
    cuts = [[3000], [1, 255, 700, 2044], [100] * 30]
    for v in (None, weights):
        there = [Observations.from_data(Blocks(partial(parts, table, np.cumsum([0, *cut]))), v) for cut in cuts]
        for other in there[1:]:
            np.testing.assert_array_equal(other.mean, there[0].mean)
            np.testing.assert_array_equal(other.covariance, there[0].covariance)
    assert there[0].total_weight == here.total_weight
    np.testing.assert_array_equal(there[0].ranges, here.ranges)
    np.testing.assert_allclose(there[0].mean, here.mean, rtol=1e-12)
    np.testing.assert_allclose(there[0].covariance, here.covariance, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("order", ["C", "F"])
def test_columns_of_numpy_files_are_chosen_by_name(tmp_path, monkeypatch, order):
    monkeypatch.setattr(Source, "block_rows", 7)
    X = np.arange(80.0).reshape(20, 4)
    np.save(tmp_path / "x.npy", np.asarray(X, dtype="f4", order=order))
    source = open_source(tmp_path / "x.npy", ["x3", "x1"])
    np.testing.assert_array_equal(values(source), X[:, [2, 0]])
    named = Npy(tmp_path / "x.npy", ["d"], names="abcd")
    assert named.names == ("d",)
    np.testing.assert_array_equal(values(named), X[:, 3:])
    with pytest.raises(ValueError, match=r"x\.npy has no column 'a', 'b'; it has x1, x2, x3, x4\."):
        open_source(tmp_path / "x.npy", ["a", "x2", "b"])
    with pytest.raises(ValueError, match="columns of one name, 'x1'"):
        open_source(tmp_path / "x.npy", ["x1", "x1"])
    with pytest.raises(ValueError, match=r"Each of the 4 columns of .* needs a name, got 3"):
        Npy(tmp_path / "x.npy", names="abc")


def values(source):
    return np.concatenate([block.values for block in source.blocks()])


def test_a_numpy_file_cut_short_is_told(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.ones((1000, 3)))
    source, content = Npy(path), path.read_bytes()
    path.write_bytes(content[: len(content) - 24 * 400 - 1])
    for read in (source.survey, partial(Npy, path)):
        with pytest.raises(ValueError, match=r"cut short: its header says 1,000 rows of 3 columns, .* enough for 599"):
            read()
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="is no NumPy file of numbers"):
        Npy(path)
    np.save(path, np.ones((3, 0)))
    with pytest.raises(ValueError, match=r"rows and columns of real numbers, got float64 of shape \(3, 0\)"):
        Npy(path)


def test_blocks_may_be_empty_if_others_are_not(table):
    source = Blocks(lambda: [table[:0], [], table[:10], table[:0], table[10:20]])
    assert source.names == NAMES
    np.testing.assert_array_equal(values(source), table[:20])
    with pytest.raises(ValueError, match="The data are empty: the factory gave no block with a row"):
        Blocks(lambda: [table[:0], []])


def test_it_is_said_which_block_is_none(table):
    with pytest.raises(ValueError, match="Block 1: Column 'é' must hold real numbers"):
        Blocks(lambda: [table[:5], table[:5].assign(é="u")]).survey()
    with pytest.raises(ValueError, match="Block 1 has columns é, b c, a, and what came before has a, b c, é"):
        Blocks(lambda: [table[:5], table[list(reversed(NAMES))]]).survey()
    with pytest.raises(TypeError, match="Block 0: The data are of type NoneType"):
        Blocks(lambda: [None, table])


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (np.nan, r"Block 1 has a missing value in column 'b', row 2 .* the first of 3 in a block of 5 rows\. Drop or impute"),
        (-np.inf, "an infinite value in column 'b', row 2 .* Drop or impute such rows first"),
        (1e200, r"a number beyond 1e\+150 in column 'b', row 2 .* Divide the column by about its range first\."),
    ],
)
def test_a_sentence_has_the_cure_of_what_is_wrong(wrong, sentence):
    X = np.ones((5, 2))
    X[2:, 1] = wrong
    with pytest.raises(ValueError, match=sentence):
        Survey.of(X, ("a", "b"), lambda row: ("Block 1", row))


def test_a_damaged_row_group_is_told(table, tmp_path, monkeypatch):
    monkeypatch.setattr(Source, "block_rows", 2500)  # a batch goes across row groups
    path = tmp_path / "x.parquet"
    table.to_parquet(path, row_group_size=1000, compression="zstd")
    column = pytest.importorskip("pyarrow.parquet").ParquetFile(path).metadata.row_group(1).column(1)
    content = bytearray(path.read_bytes())
    content[column.data_page_offset : column.data_page_offset + 200] = bytes(200)
    path.write_bytes(content)
    with pytest.raises(OSError, match=r"x\.parquet, row group 1, cannot be read"):
        open_source(path).survey()
    path.write_bytes(b"PAR1" + bytes(20))
    with pytest.raises(OSError, match="cannot be read as Parquet"):
        open_source(path)


def test_folders_of_parquet_hold_other_files_too(table, tmp_path):
    for number, name in enumerate(["a.PARQUET", "b/c.pq", "_old/x.parquet", ".x.parquet", "_metadata.parquet", "d.txt"]):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        table[number : number + 1].to_parquet(path)
    np.testing.assert_array_equal(values(Parquet(tmp_path)), table[:2])
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(FileNotFoundError, match=r"no \.parquet or \.pq file in the folder"):
        Parquet(empty)


def test_a_column_that_begins_with_nothing_is_looked_at_by_row(tmp_path, monkeypatch):
    monkeypatch.setattr("bayesgmm.sources.arrow.CHUNK_BYTES", 64)
    (tmp_path / "x.csv").write_text("a;b\n" + "1;\n" * 100 + "1;2\n")
    with pytest.raises(ValueError, match=r"x\.csv has a missing value in column 'b', row 0 "):
        Csv(tmp_path / "x.csv", separator=";").survey()
    assert Csv(tmp_path / "x.csv", ["a"], separator=";").survey().n_rows == 101
