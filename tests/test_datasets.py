import pytest

import bayesgmm as bg


@pytest.mark.parametrize(
    ("name", "shape"),
    [("faithful", (272, 2)), ("galaxies", (82, 1)), ("galaxies_26960", (82, 1)), ("acidity", (155, 1)), ("iris", (150, 5))],
)
def test_shapes(name, shape):
    assert bg.load_dataset(name).shape == shape


def test_the_two_versions_of_the_galaxies_differ_in_one_row():
    mass, literature = bg.load_dataset("galaxies"), bg.load_dataset("galaxies_26960")
    differs = mass["velocity"] != literature["velocity"]
    assert differs.sum() == 1
    assert (mass["velocity"][77], literature["velocity"][77]) == (26.690, 26.960)


def test_unknown_name():
    with pytest.raises(ValueError, match="Did you mean 'faithful'"):
        bg.load_dataset("faithfull")
