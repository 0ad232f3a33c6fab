"""The page in a browser, as wide as a desk, a tablet and a phone: nothing overflows or fails, and every link leads somewhere."""

import shutil

import pytest

from bayesgmm.reporting.blocks import Picture
from bayesgmm.reporting.formats.html import page

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
MISSING = ", ".join(name for name, path in (("chromium", BROWSER), ("chromedriver", DRIVER)) if path is None)
WIDTHS = (1400, 800, 360)
DRAWN = ("faithful", "hostile")  # with their own pictures; the others have one in place of all, since drawing is most of the time
BLANK = b'<svg xmlns="http://www.w3.org/2000/svg" width="763pt" height="300pt"><rect width="700" height="200"/></svg>'
LOOK = """
const pictures = [...document.images], ids = [...document.querySelectorAll("[id]")].map(e => e.id);
const links = [...document.querySelectorAll("a[href]")].map(a => a.getAttribute("href"));
const outside = [...document.querySelectorAll("body *")].filter(e => {
  const box = e.getBoundingClientRect();
  return box.width && box.right > innerWidth + 1 && !e.closest(".scroll");
});
return {
  inner: innerWidth, scroll: document.documentElement.scrollWidth, pictures: pictures.length,
  broken: pictures.filter(p => !p.complete || !p.naturalWidth).map(p => p.alt),
  outside: outside.map(e => e.tagName + " " + e.textContent.slice(0, 40)),
  text: Math.min(...[...document.querySelectorAll("td, p, li")].map(e => parseFloat(getComputedStyle(e).fontSize))),
  ids: ids, links: links,
  nav: getComputedStyle(document.querySelector("nav")).position,
};
"""

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"no {MISSING} on the PATH: apt-get install chromium chromium-driver")


@pytest.fixture(scope="module")
def browser():
    """Headless, without the network; its console is kept."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.mark.parametrize("name", ["faithful", "iris", "galaxies", "large", "hostile", "density_alone", "unconverged"])
def test_page(name, request, browser, documents, tmp_path, monkeypatch):
    if name not in DRAWN:
        monkeypatch.setattr(Picture, "svg", BLANK)
    file = tmp_path / "r.html"
    file.write_text(page(documents(request.getfixturevalue(name))), encoding="utf-8")
    browser.get(file.as_uri())
    for width in WIDTHS:
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        )
        found = browser.execute_script(LOOK)
        assert found["inner"] == width
        assert found["scroll"] <= width, found["outside"]
        assert found["outside"] == []
        assert found["broken"] == []
        assert found["pictures"] >= 3
        assert found["text"] >= 12
        assert (found["nav"] == "sticky") == (width == 1400)
    assert len(found["ids"]) == len(set(found["ids"]))
    assert found["links"]
    assert {link.removeprefix("#") for link in found["links"]} <= set(found["ids"])
    assert [entry["message"] for entry in browser.get_log("browser")] == []


def test_a_page_that_overflows_is_caught(browser, tmp_path):
    """The look itself can fail."""
    file = tmp_path / "r.html"
    file.write_text('<!DOCTYPE html><nav></nav><p>x</p><img src="data:,"><div style="width:2000px">wide</div>', encoding="utf-8")
    browser.get(file.as_uri())
    found = browser.execute_script(LOOK)
    assert found["scroll"] > found["inner"]
    assert found["outside"]
    assert found["broken"]
