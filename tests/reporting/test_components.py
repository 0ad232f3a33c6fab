"""Scales and correlations are those of the covariances, draw by draw."""

import numpy as np

from bayesgmm.reporting.blocks import Table
from bayesgmm.reporting.components import component_table
from bayesgmm.reporting.document import document


def test_against_numpy(hostile):
    draws, table = hostile.posterior.draws, hostile.components
    covariances = draws.covariances.reshape(-1, 3, 6, 6)
    for k in range(3):
        name = "scale of $x$"
        expected = np.quantile(np.sqrt(covariances[:, k, 0, 0]), [0.05, 0.95])
        np.testing.assert_allclose(table.loc[(name, k), ["lower", "upper"]].astype(float), expected)
        correlations = [
            np.linalg.inv(np.diag(np.sqrt(np.diag(c)))) @ c @ np.linalg.inv(np.diag(np.sqrt(np.diag(c))))
            for c in covariances[:, k]
        ]
        found = table.loc[("correlation of $x$ and <script>alert(1)</script>", k), "mean"]
        np.testing.assert_allclose(found, np.mean([c[1, 0] for c in correlations]))


def test_diagonal_structures_have_no_correlations(one_feature):
    draws = one_feature.posterior.draws
    quantities = component_table(draws, ["velocity"]).index.get_level_values("quantity")
    assert list(quantities) == ["mean of velocity", "scale of velocity"]


def test_names_that_read_alike_stay_apart(hostile):
    names = ("a and b", "c", "a", "b and c", "d", "e")
    table = component_table(hostile.posterior.draws, names)
    assert table.index.duplicated().any()
    shown = [block for block in document(hostile, ["components"]).blocks() if isinstance(block, Table)]
    assert [table.name for table in shown] == ["components", "correlations"]
    assert {len(row) for table in shown for row in table.rows} == {len(shown[0].columns)} == {4}


def test_found_by_place_whatever_the_names(hostile):
    draws = hostile.posterior.draws
    for j in range(6):
        np.testing.assert_allclose(hostile.described("mean", j)["mean"].astype(float), draws.means[..., j].mean(axis=(0, 1)))
    np.testing.assert_allclose(hostile.described("weight")["mean"].astype(float), draws.weights.mean(axis=(0, 1)))
    scales = np.sqrt(draws.covariances[..., 5, 5]).mean(axis=(0, 1))
    np.testing.assert_allclose(hostile.described("scale", 5)["mean"].astype(float), scales)
