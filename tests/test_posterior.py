import json

import numpy as np
import pytest
import xarray as xr

import bayesgmm as bg
from bayesgmm.posterior import UnresolvedLabelsWarning


def test_groups_names_and_dims(faithful_two):
    tree = faithful_two.tree
    assert set(tree.children) == {"posterior", "sample_stats", "observed_data", "constant_data", "log_likelihood"}
    group = tree["posterior"]
    assert group["weights"].dims == ("chain", "draw", "component")
    assert group["means"].dims == ("chain", "draw", "component", "feature")
    assert group["covariances"].dims == ("chain", "draw", "component", "feature", "feature2")
    assert group["precisions_rate"].dims == ("chain", "draw", "feature", "feature2")
    assert list(group["feature"].to_numpy()) == ["eruptions", "waiting"]
    assert tree["log_likelihood"]["x"].dims == ("chain", "draw", "observation")
    assert {"diverging", "lp", "energy", "tree_depth", "reached_max_treedepth"} <= set(tree["sample_stats"].data_vars)
    np.testing.assert_allclose(
        np.linalg.inv(group["precisions"].to_numpy()), group["covariances"].to_numpy(), rtol=1e-8, atol=1e-12
    )


def test_every_setting_version_and_seed_is_recorded(faithful_two):
    settings = json.loads(faithful_two.tree.attrs["settings"])
    assert settings["engine"] == "nuts"
    assert (settings["draws"], settings["tune"], settings["chains"]) == (1000, 1000, 4)
    assert settings["seed"] == {"entropy": 1, "spawn_key": []}
    assert set(settings["versions"]) == {"bayesgmm", "numpy", "pymc", "pytensor", "nutpie"}


@pytest.mark.parametrize("method", ["ecr", "ordering"])
def test_relabelling_changes_no_likelihood_and_can_be_undone(faithful_three, method):
    post = faithful_three
    new = bg.relabel(post, method)
    np.testing.assert_array_equal(new.tree["log_likelihood"]["x"], post.tree["log_likelihood"]["x"])
    assert bg.loo(new).elpd == bg.loo(post).elpd
    np.testing.assert_array_equal(bg.loo(new).pareto_k, bg.loo(post).pareto_k)
    np.testing.assert_allclose(
        new.draws.log_density(post.observations.values), post.tree["log_likelihood"]["x"], rtol=1e-12, atol=1e-12
    )
    back = new.as_drawn()
    for name in ("weights", "means", "precisions", "covariances", "precisions_rate"):
        np.testing.assert_array_equal(back.tree["posterior"][name], post.tree["posterior"][name])
    assert "relabelling" not in back.tree.children
    assert new.tree["relabelling"].attrs["method"] == method


def test_relabelling_moves_every_variable_with_the_dim_component(faithful_two):
    tree = faithful_two.tree.copy()
    extra = faithful_two.tree["posterior"]["weights"].rename("x") * 10
    tree["posterior"] = xr.DataTree(tree["posterior"].to_dataset().assign(extra=extra.transpose("component", "chain", "draw")))
    post = bg.Posterior(tree, faithful_two.specification, faithful_two.observations)
    new = bg.relabel(post, "ordering")
    np.testing.assert_array_equal(new.tree["posterior"]["extra"].transpose("chain", "draw", "component"), 10 * new.draws.weights)
    assert new.tree["posterior"]["extra"].dims == ("component", "chain", "draw")


def test_relabelling_again_replaces(faithful_three):
    once, twice = bg.relabel(faithful_three), bg.relabel(bg.relabel(faithful_three, "ordering"))
    np.testing.assert_array_equal(once.permutation, twice.permutation)
    np.testing.assert_array_equal(once.draws.means, twice.draws.means)


def test_ordering_orders(galaxies_three):
    means = bg.relabel(galaxies_three, "ordering").draws.means[..., 0]
    assert (np.diff(means, axis=2) > 0).all()


def test_unknown_method_lists_the_known(faithful_two):
    with pytest.raises(ValueError, match="'ecr', 'ecr_iterative_1'"):
        bg.relabel(faithful_two, "magic")


def test_summary_tells_components_only_where_they_may_be_believed(faithful_two, faithful_three):
    table = faithful_two.summary()
    assert "means[0, waiting]" in table.index
    with pytest.warns(UnresolvedLabelsWarning, match="withheld"):
        table = faithful_three.summary()
    assert not any(name.startswith(("means", "weights", "covariances")) for name in table.index)
    assert "log_likelihood" in table.index
    assert table.attrs["withheld"]


def test_save_and_load(faithful_two, tmp_path):
    path = tmp_path / "fit.nc"
    for post in (faithful_two, bg.relabel(faithful_two)):
        post.save(path)
        again = bg.load(path)
        xr.testing.assert_identical(again.tree, post.tree)
        assert again.tree.attrs == post.tree.attrs
        assert again.specification.to_json() == post.specification.to_json()
        np.testing.assert_array_equal(again.observations.values, post.observations.values)
        assert again.observations.names == post.observations.names
        assert bg.loo(again).elpd == bg.loo(post).elpd
        assert again.summary().equals(post.summary())
        assert list(tmp_path.iterdir()) == [path]


def test_text(faithful_two):
    assert "K = 2, by nuts: 4 chains of 1000 draws, as drawn, 0 divergences" in str(faithful_two)
    assert "relabelled by ecr" in str(bg.relabel(faithful_two))


def test_wrong_types_are_named(faithful_two):
    em = bg.fit_em(bg.load_dataset("faithful"), 2)
    with pytest.raises(TypeError, match="posterior must be a Posterior, got EMResult"):
        bg.loo(em)
    with pytest.raises(TypeError, match="em must be a EMResult, got Posterior"):
        bg.compare_em_bayes(faithful_two, em)
    with pytest.raises(TypeError, match="posteriors must be a Mapping, got list"):
        bg.compare([faithful_two])
    with pytest.raises(TypeError, match="warm_start must be an EMResult or a Mixture, got str"):
        bg.fit_bayes(bg.load_dataset("faithful"), 2, warm_start="em")
