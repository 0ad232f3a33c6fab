"""The page: whole in itself, safe with any name, and silent about components that may not be believed."""

import base64
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from bayesgmm.reporting import render
from bayesgmm.reporting.formats.html import page

VOID = {"meta", "img"}
SVG = "{http://www.w3.org/2000/svg}"


class Page(HTMLParser):
    """Tags, attributes and text of a page; unclosed tags fail."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text, self.open = [], [], [], []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def tree_of(svg):
    return ET.fromstring(svg)  # noqa: S314 - our own bytes


def pictures(html):
    return [base64.b64decode(found) for found in re.findall(r"data:image/svg\+xml;base64,([^\"]+)", html)]


@pytest.fixture(scope="module", params=["hostile", "withheld", "one_feature"])
def html(request, documents):
    return page(documents(request.getfixturevalue(request.param)))


def test_everything_is_inside(html):
    parsed = Page(html)
    assert not {"script", "link", "iframe", "object", "base", "form"} & set(parsed.tags)
    for name, value in parsed.attributes:
        assert not name.startswith("on")
        if name in ("src", "srcset", "style"):
            assert value.startswith("data:image/svg+xml;base64,")
        if name == "href":
            assert ("id", value.removeprefix("#")) in parsed.attributes
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def test_pictures_are_svg_that_fetches_and_runs_nothing(html):
    assert len(pictures(html)) >= 3
    for svg in pictures(html):
        for element in tree_of(svg).iter():
            assert element.tag not in (f"{SVG}script", f"{SVG}foreignObject")
            for name, value in element.attrib.items():
                assert not name.startswith("on")
                if name.endswith("href"):
                    assert value.startswith(("#", "data:image/png;base64,"))


def test_names_are_text_and_never_markup(hostile, documents):
    html = page(documents(hostile))
    text = "".join(Page(html).text)
    assert "<script>alert(1)</script>" in text
    assert "<b>bold</b> & $money$.csv" in text
    assert "emoji 😀 漢" in text
    words = {element.text for svg in pictures(html) for element in tree_of(svg).iter(f"{SVG}text")}
    assert {"$x$", "<script>alert(1)</script>"} <= words


def test_the_same_analysis_makes_the_same_page(one_feature):
    parts = ["summary", "density", "prediction"]
    assert render(one_feature, parts) == render(one_feature, parts)


def test_features_that_are_left_out_of_a_picture_are_named(hostile):
    assert "left out:" in render(hostile, ["components"])
    assert "left out:" not in render(hostile, ["density"])


def test_no_component_is_spoken_of_where_none_may_be_believed(withheld, documents):
    html = page(documents(withheld))
    assert "Component parameters are withheld" in html
    assert "component 0" not in html
    assert not any(b"component 0" in svg for svg in pictures(html))
    means = withheld.components["mean"]["mean of eruptions"]
    assert not any(f"{value:.3f}" in html for value in means)


def test_components_that_may_be_believed_are_told(hostile, documents):
    html = page(documents(hostile))
    assert "withheld" not in html
    for component in range(3):
        assert f'<th scope="col"><span>component {component}</span></th>' in html
        assert any(f"component {component}".encode() in svg for svg in pictures(html))
