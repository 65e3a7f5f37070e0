"""The menu at the top of each page, its footer, and the page of downloads."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from playwright.sync_api import Page

from beyond_scaling.bookbuild import colophon, downloads, page_menu

from ..browser.accessibility import violations
from .conftest import Built

MENU = ".bs-menu"


@pytest.fixture
def alive(living_book: Built, page: Page) -> Page:
    page.goto((living_book.html / "alive.html").as_uri())
    return page


def test_it_offers_what_there_is(living_book: Built) -> None:
    soup = living_book.soup("alive.html")
    offered = {link.get_text(" ", strip=True): link["href"] for link in soup.select(f"{MENU} a")}
    assert list(offered) == [
        "Notebook .ipynb", "Source .md", "Colab", "Kaggle", "Binder", "Report an error", "Source on GitHub",
    ]  # fmt: skip
    for words in ("Notebook .ipynb", "Source .md"):
        assert (living_book.html / offered[words]).is_file()
    assert offered["Colab"] == "https://colab.research.google.com/github/owner/name/blob/notebooks/alive.ipynb"
    assert offered["Report an error"].startswith("https://github.com/owner/name/issues/new?title=Alive")
    assert offered["Source on GitHub"] == "https://github.com/owner/name/blob/main/book/alive.md"
    assert soup.select_one(".bd-footer-content a")["href"] == offered["Report an error"]
    assert "MIT" in soup.select_one(".bd-footer-content").get_text()
    no_code = living_book.soup("reference/ledger.html")
    assert [link.get_text(" ", strip=True) for link in no_code.select(f"{MENU} a")] == [
        "Source .md", "Report an error", "Source on GitHub",
    ]  # fmt: skip
    assert not living_book.soup("search.html").select(MENU)


def test_no_page_has_a_handler_in_its_html(living_book: Built) -> None:
    for path in living_book.html.rglob("*.html"):
        name = path.relative_to(living_book.html).as_posix()
        handlers = [key for tag in living_book.soup(name).find_all() for key in tag.attrs if key.startswith("on")]
        assert not handlers, f"{name}: {handlers}"


def offer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: str) -> dict:
    """What the templates of a page ``one`` are given."""
    monkeypatch.setenv("BOOK_REPOSITORY", repository)
    (tmp_path / "one.md").write_text("---\nkernelspec:\n---\n# One\n", encoding="utf-8")
    env = SimpleNamespace(
        found_docs={"one", downloads.PAGE},
        titles={"one": SimpleNamespace(astext=lambda: "One")},
        doc2path=lambda name: tmp_path / f"{name}.md",
    )
    context = {"pathto": lambda name, *_: name, "page_source_suffix": ".md", "sourcename": "one.md"}
    page_menu.offer(SimpleNamespace(env=env), "one", "page.html", context, None)
    return context


def test_without_a_repository_nothing_leads_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = offer(tmp_path, monkeypatch, "")
    assert context["bs_feedback"] == ""
    entries = [entry for _, group in context["bs_menu"] for entry in group]
    assert [entry.words for entry in entries] == ["Notebook", "Source", "Print, or save as PDF", "The whole book"]
    assert not any("://" in entry.address for entry in entries)
    assert "://" in str(offer(tmp_path, monkeypatch, "owner/name")["bs_menu"])


def test_it_works_by_keyboard_and_closes(alive: Page) -> None:
    summary, panel = alive.locator(f"{MENU} > summary"), alive.locator(f"{MENU} > div")
    summary.focus()
    alive.keyboard.press("Enter")
    assert panel.is_visible()
    alive.keyboard.press("Tab")
    assert alive.evaluate("document.activeElement.textContent").startswith("Notebook")
    alive.keyboard.press("Escape")
    assert not panel.is_visible()
    assert alive.evaluate("document.activeElement.localName") == "summary"
    alive.keyboard.press("Enter")
    alive.locator("article h1").click()
    assert not panel.is_visible()


def test_print_closes_the_menu_and_prints(alive: Page) -> None:
    alive.evaluate("window.print = () => { window.printed = document.querySelector('.bs-menu').open; }")
    alive.locator(f"{MENU} > summary").click()
    alive.get_by_role("button", name="Print, or save as PDF").click()
    assert alive.evaluate("window.printed") is False


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1300, 390])
def test_open_it_is_accessible_and_on_the_page(alive: Page, width: int, theme: str) -> None:
    alive.set_viewport_size({"width": width, "height": 800})
    alive.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    alive.locator(f"{MENU} > summary").click()
    box = alive.locator(f"{MENU} > div").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert min(alive.locator(f"{MENU} a").evaluate_all("all => all.map((a) => a.getBoundingClientRect().height)")) >= 44
    assert [rule["id"] for rule in violations(alive, within=".article-header-buttons")] == []


def test_without_scripts_it_opens_and_has_no_dead_button(living_book: Built, browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((living_book.html / "alive.html").as_uri())
    page.locator(f"{MENU} > summary").click()
    assert page.get_by_text("Notebook").first.is_visible()
    assert page.get_by_role("button", name="Print").count() == 0
    context.close()


# --- the page of downloads -----------------------------------------------------------------------------------------


def test_the_pdf_is_announced_once_it_is_there() -> None:
    page = f"<dd>{downloads._SLOT.format('none yet')}.</dd>"
    once = downloads.announce(page, "book.pdf, 3 pages")
    assert f'href="../{downloads.PDF}">book.pdf, 3 pages</a>' in once
    assert "none yet" not in once
    assert "4 pages" in downloads.announce(once, "book.pdf, 4 pages")
    with pytest.raises(ValueError, match="expected one place for the PDF's link, found 0"):
        downloads.announce("<dd></dd>", "book.pdf")


def test_the_day_of_an_edition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert dict(colophon.facts())["Built"] == "14 November 2023"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
    with pytest.raises(ValueError, match="SOURCE_DATE_EPOCH is 'soon'; expected whole seconds"):
        colophon.build_date()


def test_facts_name_no_path_of_this_machine() -> None:
    facts = dict(colophon.facts())
    assert list(facts) == ["Built", "Commit", "Python", "Machine", "Packages"]
    assert "numpy" in facts["Packages"]
    assert "/home" not in str(facts)


def test_times_come_from_the_execution_in_reading_order() -> None:
    env = SimpleNamespace(
        nb_metadata={"two": {"exec_data": {"runtime": 1.5}}, "one": {"exec_data": {"runtime": 2.0}}, "three": {}},
        titles={name: SimpleNamespace(astext=lambda: "") for name in ("index", "one", "two", "three")},
        toctree_includes={"index": ["one", "two", "three"]},
        config=SimpleNamespace(root_doc="index"),
        found_docs=set(),
    )
    assert colophon.times(env) == {"one": 2.0, "two": 1.5}
    assert list(colophon.times(env)) == ["one", "two"]
