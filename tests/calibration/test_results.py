import pytest

from tests.calibration.results import read, row, write


def test_rows_take_the_place_of_those_of_their_case(tmp_path):
    path = tmp_path / "results.csv"
    old = [row(check=check, engine="gibbs", quantity="a, b", count=1) for check in ("sbc", "sbc, repeated")]
    other = row(check="sbc", engine="nuts", quantity="a, b", count=1)
    write([*old, other], path)
    new = row(check="sbc", engine="gibbs", quantity="a, b", count=2)
    write([new], path)
    assert read(path) == [new, other]


def test_unknown_columns_are_refused():
    with pytest.raises(TypeError, match="No such columns"):
        row(verdit="calibrated")
