"""Sections are switched by name; each claim stands in the summary; the three forms tell the same."""

import json
import math
import re

import numpy as np
import pandas as pd
import pytest

import bayesgmm as bg
from bayesgmm.reporting import FORMATS, SECTIONS, choose, render, write
from bayesgmm.reporting.blocks import Belief, Claim, Link, Mark, Picture, Table
from bayesgmm.reporting.document import document
from bayesgmm.reporting.formats.json import as_json
from bayesgmm.reporting.formats.markdown import escaped, text_of
from tests.reporting.analyses import judged

EVERY = ["faithful", "hostile", "density_alone", "unconverged", "one_feature"]


@pytest.fixture(scope="module", params=EVERY)
def told(request, documents):
    return documents(request.getfixturevalue(request.param))


def blocks_of(told, kind):
    return [block for block in told.blocks() if isinstance(block, kind)]


def test_every_section_is_in_the_registry_by_its_name_and_in_every_document(told):
    assert all(name == section.name for name, section in SECTIONS.items())
    assert [part.name for part in told.parts] == list(SECTIONS)
    assert all(part.blocks for part in told.parts)


def test_tables_and_pictures_have_names_of_their_own_and_cells_for_every_column(told):
    for kind in (Table, Picture):
        names = [block.name for block in blocks_of(told, kind)]
        assert all(re.fullmatch("[a-z_]+", name) for name in names)
        assert len(names) == len(set(names))
    for table in blocks_of(told, Table):
        assert {len(row) for row in table.rows} == {len(table.columns)}
        assert len(table.rows) <= 45


def test_claims_stand_in_the_summary_and_point_to_their_sections(told):
    (claims,) = (table for table in blocks_of(told, Table) if table.name == "claims")
    assert not blocks_of(told, Claim)
    assert {link.section for *_, link in claims.rows} <= set(SECTIONS)
    assert all(isinstance(link, Link) and link.text == SECTIONS[link.section].title for *_, link in claims.rows)
    if told.standing == "nothing":
        assert not any(mark.belief is Belief.YES for *_, mark, _ in claims.rows if isinstance(mark, Mark))
    if told.standing == "components":
        assert not any(mark.belief is Belief.NO for *_, mark, _ in claims.rows)


def test_sections_are_asked_for_and_left_out(faithful):
    asked = document(faithful, ["density", "summary"])
    assert [part.name for part in asked.parts] == ["density", "summary"]
    (claims,) = (table for table in blocks_of(asked, Table) if table.name == "claims")
    assert [link.section for *_, link in claims.rows] == ["density"]
    assert [section.name for section in choose(omit=["groups", "prior"])] == [
        name for name in SECTIONS if name not in ("groups", "prior")
    ]
    alone = render(faithful, ["prediction"])
    assert "The components may be believed" in alone  # no report without its verdict
    assert 'href="#components"' not in alone


def test_names_that_are_none(faithful, tmp_path):
    with pytest.raises(ValueError, match=r"Unknown section 'densty'; known are 'calibration'.*Did you mean 'density'\?"):
        document(faithful, ["densty"])
    with pytest.raises(ValueError, match="Unknown section 'tail'"):
        bg.report(faithful.observations, output=tmp_path / "r.html", omit=["tail"])
    with pytest.raises(TypeError, match="must be several names"):
        bg.report(faithful.observations, output=tmp_path / "r.html", sections="density")
    with pytest.raises(ValueError, match="No section is left"):
        document(faithful, ["density"], omit=["density"])


def test_nothing_of_an_omitted_section_is_computed(faithful, monkeypatch):
    def never(*_, **__):
        raise AssertionError

    monkeypatch.setattr("bayesgmm.reporting.sections.groups.partition", never)
    assert document(faithful, omit=["groups"])


def test_json_holds_every_table_whole_and_unrounded(told):
    again = json.loads(json.dumps(as_json(told), allow_nan=False))
    assert (again["schema"], again["schema_version"]) == ("bayesgmm report", 1)
    assert again["standing"] == told.standing
    for table in blocks_of(told, Table):
        kept = again["tables"][table.name]
        assert len(kept["rows"]) >= len(table.rows)
        assert all(len(row) == len(kept["columns"]) for row in kept["rows"])


def test_json_numbers_are_those_of_the_analysis(hostile, large, documents):
    for analysis in (hostile, large):
        tables = as_json(documents(analysis))["tables"]
        quantities = {name: pd.DataFrame(t["rows"], columns=t["columns"]) for name, t in tables.items()}
        np.testing.assert_array_equal(quantities["components"]["mean"].astype(float), analysis.components["mean"])
        values, features = analysis.observations.values, quantities["features"]
        np.testing.assert_array_equal(features["mean"].astype(float), values.mean(axis=0))
        assert features["feature"].to_list() == list(analysis.observations.names)
        compared = analysis.comparison.table
        np.testing.assert_array_equal(quantities["parameters"]["em"].astype(float), compared["em"])
        assert len(quantities["memberships"]) == len(values)


def test_json_tells_no_component_that_may_not_be_believed(density_alone, documents):
    tables = as_json(documents(density_alone))["tables"]
    assert not {"components", "groups", "parameters", "memberships"} & set(tables)
    assert tables["relabelled"]["columns"] == ["quantity", "r_hat", "ess_bulk", "ess_tail"]
    assert "partition" in tables


def test_numbers_that_json_has_not(documents, faithful):
    table = Table("", ("a",), (), name="odd", data=pd.DataFrame({"a": [math.nan, math.inf, -math.inf, 1.5]}))
    told = documents(faithful)
    odd = type(told)(**{**vars(told), "parts": (type(told.parts[0])("odd", "Odd", (table,)),)})
    assert as_json(odd)["tables"]["odd"]["rows"] == [[None], [None], [None], [1.5]]


def test_markdown_shows_the_same_tables_and_pictures(told):
    text = text_of(told, "r_files")
    for picture in blocks_of(told, Picture):
        assert f"](r_files/{picture.name}.svg)" in text
    anchors = set(re.findall(r'<a id="(\w+)"></a>', text))
    assert anchors == {part.name for part in told.parts}
    assert set(re.findall(r"\]\(#(\w+)\)", text)) <= anchors
    lines = [line for line in text.splitlines() if line.startswith("|")]
    bars = [len(re.findall(r"(?<!\\)\|", line)) for line in lines]
    tables = sum(len(table.rows) + 2 for table in blocks_of(told, Table))
    assert len(bars) == tables
    assert "<script" not in text.replace("\\<script", "")


@pytest.mark.parametrize("text", ["$x$", "<b>&amp;", "a|b", "`c`", "[l](http://x)", "*s*_t_", "# h", "- item", "1. one", "{a}"])
def test_markdown_text_is_text(text):
    """By the rule of CommonMark: a sign of punctuation behind a backslash is itself, and nothing else."""
    found = escaped(text)
    assert re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", found) == text
    assert not re.search(r"(?<!\\)[$<>&|`\[\]*_]", found)
    assert not re.match(r"[-+#]|\d+[.)]", found)


def test_markdown_is_written_with_its_pictures_or_not_at_all(faithful, tmp_path, monkeypatch):
    target = write(faithful, tmp_path / "a b.md", ["number", "prediction"])
    files = tmp_path / "a b_files"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a b.md", "a b_files"]
    assert sorted(path.name for path in files.iterdir()) == ["criteria.svg", "pareto_k.svg"]
    assert "](a%20b_files/criteria.svg)" in target.read_text(encoding="utf-8")
    (files / "of others.txt").write_text("precious")
    target.unlink()
    with pytest.raises(FileExistsError, match=r"where the pictures of a b\.md go"):
        bg.report(faithful.observations, output=target)
    write(faithful, target, ["prediction"])
    assert (files / "of others.txt").read_text() == "precious"

    def full(*_):
        raise OSError("No space left")

    monkeypatch.setattr("bayesgmm.reporting.formats.markdown.text_of", full)
    with pytest.raises(OSError, match="No space"):
        write(faithful, tmp_path / "new.md", ["number"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a b.md", "a b_files"]


def test_other_endings_are_refused_before_anything_is_fitted(tmp_path):
    for name, arrived in (("r.pdf", "ends in '.pdf'"), ("report", "has no ending")):
        with pytest.raises(ValueError, match=re.escape(arrived)) as refused:
            bg.report([[1.0], [2.0]], output=tmp_path / name)
        assert all(suffix in str(refused.value) for suffix in FORMATS)


def test_a_second_sampler_is_matched_by_the_rows_that_it_shares(faithful, documents):
    """The other's components stand in the first's places, whatever its own order was."""
    (table,) = (block for block in blocks_of(documents(faithful), Table) if block.name == "parameters")
    data = table.data
    np.testing.assert_allclose(data["gibbs_mean"], data["nuts_mean"], rtol=0.2)
    assert {"em", "em_se", "map"} <= set(data.columns)
    means = data.loc[data.index.str.startswith("means"), "gibbs_mean"]
    assert means.is_unique


def test_what_cannot_be_told_is_not(density_alone, unconverged, documents):
    for analysis in (density_alone, unconverged):
        names = {block.name for block in blocks_of(documents(analysis), (Table, Picture))}
        assert not {"parameters", "em_beside_posterior", "components", "memberships"} & names
    assert "partition" not in {block.name for block in blocks_of(documents(unconverged), Table)}
    disputed = judged(unconverged, verdict=("No.",))
    assert document(disputed, ["rows"]).parts[0].blocks
