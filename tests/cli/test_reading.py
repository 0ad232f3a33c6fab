"""Tables in: what is read, and the one sentence for what is not."""

import importlib.util
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesgmm.cli import reading
from bayesgmm.observations import DataWarning
from tests.cli.running import run

ROWS = [[1, 2], [3, 5], [4, 1]]
FILES = {
    "commas": "a,b\n1,2\n3,5\n4,1\n",
    "semicolons": "a;b\n1;2\n3;5\n4;1\n",
    "tabs": "a\tb\n1\t2\n3\t5\n4\t1\n",
    "row names": '"","a","b"\n"1",1,2\n"2",3,5\n"9",4,1\n',
    "row names that are numbers": ",a,b\n0,1,2\n1,3,5\n2,4,1\n",
    "byte order mark": "\ufeffa,b\n1,2\n3,5\n4,1\n",
    "spaces after commas": 'a, "b"\n1, 2\n3, 5\n4, 1\n',
    "blank lines": "\n\na,b\n1,2\n\n3,5\n  \n4,1\n\n",
    "a separator at the end": "a,b,\n1,2,\n3,5,\n4,1,\n",
    "Windows": "a,b\r\n1,2\r\n3,5\r\n4,1\r\n",
    "no line end": "a,b\n1,2\n3,5\n4,1",
}


def names_and_rows(path, columns=None):
    data = reading.observations(path, columns)
    return list(data.names), data.values.tolist()


@pytest.fixture
def written(tmp_path):
    def write(content, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_reads(written, content):
    assert names_and_rows(written(content)) == (["a", "b"], ROWS)


def test_a_file_of_numbers_has_no_header(written):
    path = written("1,2\n3,5\n4,1\n")
    with pytest.warns(DataWarning, match=r"first line of .* \(1, 2\) is all numbers and taken as data"):
        assert names_and_rows(path) == (["x1", "x2"], ROWS)


def test_names_that_pandas_makes_up_are_a_header(tmp_path):
    path = tmp_path / "data.csv"
    pd.DataFrame(ROWS).to_csv(path, index=False)
    with pytest.warns(DataWarning, match=r"\(0, 1\) is taken as names"):
        assert names_and_rows(path) == (["0", "1"], ROWS)


def test_names_are_kept_and_chosen(written):
    path = written('id,a,"b,c", größe 😀 ,1\nx,1,2,3,4\ny,3,5,6,9\nz,4,1,1,1\n')
    assert names_and_rows(path, ["b,c"]) == (["b,c"], [[2], [5], [1]])
    assert names_and_rows(path, ["a, größe 😀", "1"])[0] == ["a", "größe 😀", "1"]
    assert names_and_rows(path, ["1,a,a"])[0] == ["1", "a"]
    with pytest.raises(ValueError, match=r"data.csv has no column z; the columns are id, a, b,c, größe 😀, 1"):
        reading.observations(path, ["z"])


def test_integers_beyond_64_bits_are_numbers(written):
    path = written("a\n99999999999999999999999\n1\n5\n")
    assert names_and_rows(path)[1][0] == [1e23]


def test_tab_separated_by_suffix(written):
    """Where a header has commas in its names."""
    assert names_and_rows(written("a,x\tb,y\n1\t2\n3\t5\n4\t1\n", "data.tsv")) == (["a,x", "b,y"], ROWS)


@pytest.mark.parametrize("suffix", [".parquet", ".pq", ".PARQUET"])
def test_parquet(tmp_path, suffix):
    path = tmp_path / f"data{suffix}"
    pd.DataFrame({"a": [1, 3, 4], "b": pd.array([2, 5, 1], dtype="Int64")}).set_index("a", drop=False).to_parquet(path)
    assert names_and_rows(path) == (["a", "b"], ROWS)


def test_parquet_of_other_kinds_of_columns(tmp_path):
    path = tmp_path / "data.parquet"
    kinds = {"word": "u", "kind": pd.Categorical(["v"]), "day": pd.Timestamp("2020-01-02"), "wait": pd.Timedelta(1), "is": True}
    pd.DataFrame({"a": [1.0], **kinds}).to_parquet(path)
    for name in kinds:
        with pytest.raises(ValueError, match=rf"'{name}' holds text .*row 0, counted from 0.*--columns a"):
            reading.observations(path, [name])
    pd.DataFrame({"a": [1.0, 2.0, None]}).to_parquet(path)
    with pytest.raises(ValueError, match=r"1 missing cell: 1 in 'a' \(first in row 2, counted from 0\)"):
        reading.observations(path)


def test_parquet_without_pyarrow(written, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    result = run("models", written(b"PAR1", "data.parquet"))
    assert result.exit_code == 1
    assert "pip install 'bayesgmm[parquet]'" in result.stderr


@pytest.mark.parametrize(("content", "sentence"), [(b"", "is empty"), (b"a,b\n", "not a Parquet"), (b"PAR1x", "cannot be read")])
def test_bad_parquet(written, content, sentence):
    result = run("models", written(content, "data.parquet"))
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert sentence in result.stderr


BAD_FILES = {
    "empty": (b"", "is empty"),
    "blank": (b"\n \n", "is empty"),
    "binary": (b"\x89PNG\r\n\x1a\n\xff\xfe\x00", "not a CSV file"),
    "zero bytes": (b"a\0b,c\n1,2\n", "not a CSV file"),
    "an escape": (b"\x1b[2J,c\n1,2\n", "not a CSV file"),
    "zipped": (b"PK\x03\x04abc\n1\n", "not a CSV file: it is a zip archive or an Excel file"),
    "gzipped": (b"\x1f\x8babc", "not a CSV file: it is compressed"),
    "Parquet": (b"PAR1abc", "let its name end in .parquet"),
    "a fit": (b"\x89HDF\r\n\x1a\n", "bayesgmm compare takes saved fits"),
    "Latin 1": ("größe,b\n1,2\n".encode("latin-1"), "in line 1 .* save it as CSV UTF-8"),
    "Latin 1 below": ("a,b\n1,2\nä,3\n".encode("latin-1"), "in line 3 .* save it as CSV UTF-8"),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), "save it as CSV UTF-8"),
    "ragged": (b"a,b\n1,2\n3,4,5\n", "cannot be read as a table: Expected 2 fields in line 3, saw 3"),
    "rows longer than the header": (b"a,b\n1,2,3\n4,5,6\n", "fields number 2 in its first line and 3 in the one below"),
    "short rows": (b"a,b\n1,2\n3\n4,5\n", r"1 missing cell: 1 in 'b' \(first in line 3\)"),
    "open quote": (b'"a,b\n', "cannot be read as a table: EOF inside string"),
    "text": (
        b"name,a,b\nx,1,2\ny,3,4\n",
        r"'name' holds text such as 'x' \(line 2\), not numbers: choose others, such as --columns a,b",
    ),
    "one word": (b"a,b\n1,2\n\noops,3\n2,5\n", r"'a' holds text such as 'oops' \(line 4\).*\(1 of 3 cells"),
    "a word below a broken line": (b'a,b\n1,2\n"2\n",3\noops,3\n2,5\n', r"'oops' \(line 5\)"),
    "a word among missing cells": (b"a,b\n,2\noops,3\n2,5\n", r"'oops' \(line 3\).*\(1 of 2 cells"),
    "booleans": (b"a,b\nTrue,2\nFalse,3\n", r"'a' holds text such as 'True' .*--columns b"),
    "spaces": (b"a b\n1 2\n3 4\n", "'1 2' .* separate the columns by commas"),
    "decimal commas": (b"a;b\n1,5;2,5\n3,5;4\n", "'a', 'b' hold text such as '1,5'.* decimal points in place of decimal commas"),
    "decimal commas and tabs": (b"a\tb\n1,5\t2\n3,5\t4\n", "'a' holds text such as '1,5'.* decimal commas"),
    "points for thousands": (b"a;b\n1.000;2\n3.000,5;3\n", "'a' holds text such as '3.000,5'.* decimal commas"),
    "infinite": (b"a,b\n1,inf\n3,-inf\n", r"2 infinite cells: 2 in 'b' \(first in line 2\)"),
    "too large": (b"a,b\n1,1e200\n3,4\n", "data.csv: Numbers beyond 1e.150"),
    "constant": (b"a,b\n1,2\n1,4\n", "data.csv: Columns that do not vary .*'a'"),
    "only text": (b"name\nx\ny\n", "no column holds numbers"),
    "missing values": (b"a,b\n1,\n3,4\n,\n", r"3 missing cells: 1 in 'a' \(first in line 4\), 2 in 'b' \(first in line 2\)"),
    "header only": (b"a,b\n", r"has a header \(a, b\) and no rows"),
    "a name twice": (b"a, a\n1,2\n3,4\n", "several columns of the name 'a'"),
}


@pytest.mark.parametrize(("content", "sentence"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_one_sentence(written, content, sentence):
    path = written(content)
    for result in (run("models", path), run("models", "-", stdin=content)):
        assert result.exit_code == 1
        assert result.stdout == ""
        assert result.stderr.startswith("Error: ")
        assert result.stderr.count("\n") == 1
        assert re.search(sentence.replace("data.csv", "(data.csv|Standard input)"), result.stderr)
    assert str(path) in run("models", path).stderr


@pytest.mark.filterwarnings("ignore:The first line:bayesgmm.observations.DataWarning")
def test_decimal_commas_without_a_header(written):
    result = run("models", written("1,5;2,5\n3,5;4,1\n"))
    assert re.search("'x1', 'x2' hold text such as '1,5'.* decimal commas", result.stderr)


def test_the_line_of_a_cell_among_many_rows(written):
    rows = ["a,b", *(f"{i}.5,{i % 7}" for i in range(100_000))]
    rows[90_000] = "1,x"
    with pytest.raises(ValueError, match=r"'b' holds text such as 'x' \(line 90001\).*\(1 of 100000 cells"):
        reading.observations(written("\n".join(rows)))


def test_files_that_cannot_be_read(tmp_path):
    assert "There is no file" in run("models", tmp_path / "none.csv").stderr
    assert "There is no file" in run("models", tmp_path / "none.parquet").stderr
    assert "no .parquet or .pq file in the folder" in run("models", tmp_path).stderr
    assert run("models", "--columns", "a,,b").exit_code == 2


@pytest.mark.parametrize("command", ["models", "compare"])
def test_a_file_that_may_not_be_read(written, monkeypatch, command):
    def forbidden(self, *_, **__):
        raise PermissionError

    path = written(FILES["commas"])
    path.chmod(0)
    monkeypatch.setattr(Path, "open", forbidden)  # root may read all
    monkeypatch.setattr(Path, "read_bytes", forbidden)
    result = run(command, path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "its permissions forbid it" in result.stderr


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no /dev/fd")
def test_a_pipe_is_read_once():
    """As from ``<(zcat data.csv.gz)``, which cannot be wound back."""
    read_end, write_end = os.pipe()
    os.write(write_end, FILES["commas"].encode())
    os.close(write_end)
    assert names_and_rows(Path(f"/dev/fd/{read_end}")) == (["a", "b"], ROWS)
    os.close(read_end)


def test_numpy_files_and_folders_are_tables(tmp_path):
    table = pd.DataFrame(ROWS, columns=["a", "b"], dtype=float)
    np.save(tmp_path / "x.npy", table.to_numpy())
    assert names_and_rows(tmp_path / "x.npy") == (["x1", "x2"], ROWS)
    (tmp_path / "parts").mkdir()
    table[:2].to_parquet(tmp_path / "parts" / "1.parquet")
    table[2:].to_parquet(tmp_path / "parts" / "2.parquet")
    assert names_and_rows(tmp_path / "parts") == (["a", "b"], ROWS)
    assert names_and_rows(tmp_path / "parts", ["b,a"])[0] == ["b", "a"]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_what_is_larger_than_memory_is_read_block_by_block(tmp_path, monkeypatch, suffix):
    table = pd.DataFrame(ROWS, columns=["a", "b"]).assign(name="c")
    path = tmp_path / f"x{suffix}"
    if suffix == ".parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, sep="\t" if suffix == ".tsv" else ",", index=False)
    monkeypatch.setattr(reading.stored, "LARGEST_IN_MEMORY", 10)
    data = reading.observations(path, ["b,a"], may_be_stored=True)
    assert data.is_stored
    assert data.names == ("b", "a")
    np.testing.assert_array_equal(data.values[np.arange(3)], np.array(ROWS)[:, ::-1])
    assert not reading.observations(path, ["b,a"]).is_stored  # for a command that needs rows in memory
    with pytest.raises(ValueError, match="must hold real numbers: 'name'"):
        reading.observations(path, may_be_stored=True)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_large_csv_files_are_read_as_small_ones(tmp_path, monkeypatch, separator):
    path = tmp_path / "x.csv"
    table = pd.DataFrame(ROWS, columns=["a", "b"], dtype=float)
    table.to_csv(path, sep=separator)  # with names of rows
    monkeypatch.setattr(reading.stored, "LARGEST_IN_MEMORY", 10)
    data = reading.observations(path, may_be_stored=True)
    assert data.names == ("a", "b")
    np.testing.assert_array_equal(data.values[np.arange(3)], np.array(ROWS))
    table.to_csv(path, sep=separator, index=False, header=False)
    with pytest.raises(ValueError, match=r"first line of .*x\.csv \(.*\) is all numbers: write names of columns above it"):
        reading.observations(path, may_be_stored=True)


def test_columns_of_large_numpy_files_are_chosen(tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", np.c_[np.array(ROWS, dtype=float), np.zeros(3)])
    monkeypatch.setattr(reading.stored, "LARGEST_IN_MEMORY", 10)
    data = reading.observations(tmp_path / "x.npy", ["x2,x1"], may_be_stored=True)
    assert data.names == ("x2", "x1")
    np.testing.assert_array_equal(data.values[np.arange(3)], np.array(ROWS)[:, ::-1])


def test_parquet_is_as_large_as_its_numbers_in_memory(tmp_path, monkeypatch):
    """A column of one value takes next to nothing on disk."""
    folder = tmp_path / "parts"
    folder.mkdir()
    for name in ("1.parquet", "2.pq"):
        pd.DataFrame({"a": np.zeros(50_000)}).to_parquet(folder / name)
    monkeypatch.setattr(reading.stored, "LARGEST_IN_MEMORY", 8 * 99_999)
    assert reading.stored.is_large(folder)
    assert not reading.stored.is_large(folder / "1.parquet")
    (tmp_path / "x.parquet").write_bytes(b"a,b")
    assert not reading.stored.is_large(tmp_path / "x.parquet")
