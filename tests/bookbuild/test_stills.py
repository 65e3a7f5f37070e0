"""Pictures and heights of widgets in a finished page, looked at with and without scripts."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser

from beyond_scaling.bookbuild.finish import stills
from beyond_scaling.bookbuild.finish.site import Site

from .conftest import Built

pytestmark = pytest.mark.timeout(300)


class Lent(Site):
    """A site whose browser is the tests' own."""

    def __init__(self, root: Path, browser: Browser) -> None:
        super().__init__(root)
        self.lent = browser

    @property
    def browser(self) -> Browser:
        return self.lent


@pytest.fixture(scope="module")
def pictured(browser: Browser, living_book: Built, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A copy of the small book after the step, and what the step said."""
    root = tmp_path_factory.mktemp("pictured") / "html"
    shutil.copytree(living_book.html, root)
    said = stills.run(Lent(root, browser))
    return root, said


def test_every_view_has_a_picture_with_words_and_size(pictured: tuple[Path, str]):
    root, said = pictured
    soup = BeautifulSoup((root / "alive.html").read_text(encoding="utf-8"), "html.parser")
    views = soup.select(".bs-view")
    assert len(views) == 2
    assert said.startswith("2 pictures of widgets")
    for view in views:
        img = view.select_one("noscript img")
        picture = root / img["src"]
        assert picture.read_bytes()[8:12] == b"WEBP"
        assert picture.stat().st_size <= stills.MOST_BYTES
        assert int(img["width"]) > 0
        assert int(img["height"]) > 0
        assert img["alt"]
        assert img["loading"] == "lazy"
        heights = re.findall(r"--h(\d+):(\d+)", view["style"])
        assert [int(width) for width, _ in heights] == list(stills.WIDTHS)
        assert all(int(height) > 20 for _, height in heights)


def test_pages_without_widgets_stay_as_they_are(pictured: tuple[Path, str], living_book: Built):
    root, _ = pictured
    assert (root / "bibliography.html").read_bytes() == (living_book.html / "bibliography.html").read_bytes()


@pytest.mark.parametrize("width", [390, 1300])
def test_the_room_that_is_kept_is_the_room_that_is_needed(pictured: tuple[Path, str], browser: Browser, width: int):
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    page.goto((pictured[0] / "alive.html").as_uri())
    page.evaluate("window.bsMountAll()")
    rooms = page.evaluate("""[...document.querySelectorAll(".bs-view")].map((view) => {
      const kept = parseFloat(getComputedStyle(view).minHeight);
      view.style.minHeight = "0";
      return [kept, view.getBoundingClientRect().height];
    })""")
    context.close()
    assert len(rooms) == 2
    for kept, needed in rooms:
        assert abs(kept - needed) <= 1


def test_without_scripts_the_picture_is_seen(pictured: tuple[Path, str], browser: Browser):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 900})
    page = context.new_page()
    page.goto((pictured[0] / "alive.html").as_uri())
    picture = page.locator(".bs-view img").first
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    context.close()
    assert box is not None
    assert 0 < box["width"] <= 390
    assert box["height"] > 20


def test_a_failed_widget_shows_its_picture(pictured: tuple[Path, str], browser: Browser, tmp_path: Path):
    root = tmp_path / "html"
    shutil.copytree(pictured[0], root)
    page_file = root / "alive.html"
    page_file.write_text(page_file.read_text(encoding="utf-8").replace("button.textContent =", "nobody.text ="))
    context = browser.new_context()
    page = context.new_page()
    page.goto(page_file.as_uri())
    page.evaluate("window.bsMountAll()")
    failed = page.locator(".bs-view[data-ready=failed]").last
    assert "nobody is not defined" in failed.locator("[role=note]").inner_text()
    assert failed.locator("img").get_attribute("src").endswith("alive-2.webp")
    context.close()


def test_a_dead_widget_stops_the_build_and_is_named(living_book: Built, browser: Browser, tmp_path: Path):
    root = tmp_path / "html"
    shutil.copytree(living_book.html, root)
    page = root / "alive.html"
    page.write_text(page.read_text(encoding="utf-8").replace("button.textContent =", "nobody.text ="))
    with pytest.raises(ValueError, match=r"alive\.html: widget 1 is failed; expected it alive"):
        stills.run(Lent(root, browser))
