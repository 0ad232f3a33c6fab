"""Columns with names that some file, page, font or parser takes for something else come through everything as they are."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import bayesgmm as bg
from bayesgmm import plots
from bayesgmm.reporting import Analysis, write
from bayesgmm.selection import Candidate, Selection
from tests.reporting.test_html import Page

NAMES = (
    "<script>alert(1)</script>",
    "$x$",
    "a/b",
    "\\frac",
    "😀 漢",
    "n" * 200,
    "two\nlines",
    "\"double\" 'single'",
    "%s %d %(x)s",
    "{x} {{ y }}",
    "  spaces ",
    "שלום\u202eabc",
)


@pytest.fixture(scope="module")
def table():
    return pd.DataFrame(bg.simulate(150, 2, len(NAMES), separation=6.0, seed=2)[0], columns=list(NAMES))


@pytest.fixture(scope="module")
def em(table):
    return bg.fit_em(table, 2, "diag", n_init=2)


@pytest.fixture(scope="module")
def post(table, em):
    return bg.fit_bayes(table, 2, "diag", warm_start=em, draws=150, tune=150, chains=2, seed=1, progress=False)


def test_in_both_fits_and_their_tables(em, post):
    columns = list(em.summary().columns)
    assert post.observations.names == em.observations.names == NAMES
    assert list(post.tree["posterior"]["feature"].to_numpy()) == list(NAMES)
    rows = list(believed(post).summary().index)
    compared = bg.compare_em_bayes(em, post).table["parameter"]
    for name in NAMES:
        assert f"mean[{name}]" in columns
        assert f"means[0, {name}]" in rows
        assert f"covariances[1, {name}, {name}]" in list(compared)
        assert name.replace("\n", "\\n") in str(em)
        assert name in str(post)


def believed(post):
    """The same, as if so few draws could be believed: then the summary tells of components."""
    post = replace(post.relabelled)
    post.__dict__["diagnosis"] = replace(post.diagnosis, components_trusted=True)
    return post


def test_in_files(tmp_path, em, post):
    for fit in (em, post, bg.relabel(post)):
        fit.save(tmp_path / "a")
        again = bg.load(tmp_path / "a")
        assert again.observations.names == NAMES
        assert str(again) == str(fit)
    np.testing.assert_array_equal(again.tree["posterior"]["feature"], post.tree["posterior"]["feature"])
    assert believed(again).summary().equals(believed(post).summary())


def test_in_pictures(tmp_path, em, post):
    draws, observations = bg.relabel(post).draws, post.observations
    pairs = [(j, j + 1) for j in range(0, len(NAMES), 2)]
    for i, features in enumerate(pairs):
        figure = Figure()
        plots.scatter_matrix(figure, observations, draws, features, em.mixture, i % 2 == 0)
        for file in ("a.svg", "a.png"):
            save(figure, tmp_path / file)
    for feature in range(len(NAMES)):
        figure = Figure()
        plots.density(figure.subplots(), observations, draws, feature, em.mixture, show_components=True)
        for file in ("a.svg", "a.png"):
            save(figure, tmp_path / file)


def save(figure, path):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph .* missing from font", UserWarning)  # of Chinese and emoji
        figure.savefig(path)


def test_in_a_report(tmp_path, em, post):
    analysis = Analysis.of(Selection({2: Candidate(em, post)}), source=NAMES[0])
    page = Page(write(analysis, tmp_path / "r.html").read_text(encoding="utf-8"))
    text = " ".join("".join(page.text).split())
    for name in NAMES:
        assert " ".join(name.split()) in text
    assert "script" not in page.tags
