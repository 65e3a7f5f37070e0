"""What is written from the ledger of claims, in a small book and in the real one; and its filter in a real browser."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Page, expect

from beyond_scaling.bookbuild import verdicts
from beyond_scaling.ledger import VERDICTS, Claim, findings, load

from ..conftest import ROOT
from .conftest import SOURCES, Built

LEDGER = "reference/ledger.html"
HTML = Path(os.environ.get("BOOK_HTML", ROOT / "_build" / "html"))

pytestmark = pytest.mark.timeout(300)


def read(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def dead_links(root: Path, page: str, within: str) -> list[str]:
    """The links inside ``within`` of a page that lead to no file, or to no id in it."""
    ids = cache(lambda target: {node["id"] for node in read(target).select("[id]")})
    dead = []
    for link in read(root / page).select(f"{within} a[href]"):
        parts = urlsplit(urljoin(page, link["href"]))
        if parts.scheme or parts.netloc:
            continue
        target = root / unquote(parts.path)
        if not target.is_file() or (parts.fragment and unquote(parts.fragment) not in ids(target)):
            dead.append(link["href"])
    return dead


def badge(node: Tag) -> tuple[str, str]:
    """What a badge says, and its kind."""
    kind = next(name for name in node["class"] if name.startswith("bs-verdict-"))
    return node.get_text(), kind.removeprefix("bs-verdict-")


# --- a small book -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def entries(living_book: Built) -> dict[str, Tag]:
    return {entry["id"]: entry for entry in living_book.soup(LEDGER).select("section.bs-claim")}


def test_an_entry_has_everything(entries: dict[str, Tag]):
    assert list(entries) == ["claim-eq-4", "claim-prop-3", "claim-fig-9"]
    entry = entries["claim-prop-3"]
    assert entry.h3.find(string=True).strip() == "Proposition 3"
    assert badge(entry.select_one(".bs-verdict")) == ("Fails as printed", "fails")
    assert entry.select_one(".bs-claim-where").get_text() == "v1: Section 4.1 · v0: Section 4"
    assert "A sign." in entry.get_text()
    correction = entry.select_one(".bs-claim-corrected")
    assert correction.select_one(".bs-claim-label").get_text() == "Instead"
    assert r"a \le b" in correction.select_one("div.math").get_text()
    tests = [code.get_text() for code in entry.select(".bs-claim-foot code")]
    assert tests == ["tests/test_sample.py::test_prop_3", "tests/test_sample.py::test_prop_3_again"]
    assert entry.find_parent("section", class_="bs-claims").h2.find(string=True).strip() == "Second part"


def test_versions_are_told_apart(entries: dict[str, Tag]):
    where = [entries[name].select_one(".bs-claim-where").get_text() for name in ("claim-eq-4", "claim-fig-9")]
    assert where == ["Section 4, (4), in both versions", "v1: Appendix F · not in v0: added later"]
    assert entries["claim-fig-9"].select_one(".bs-claim-corrected .bs-claim-label").get_text() == "More"


def test_badges_and_entries_link_to_each_other(living_book: Built, entries: dict[str, Tag]):
    shown = living_book.soup("alive.html").select_one("#shows-prop-3")
    assert badge(shown) == ("fails at the edge", "fails")
    assert shown["href"] == "reference/ledger.html#claim-prop-3"
    (back,) = entries["claim-prop-3"].select(".bs-claim-foot a")
    assert (back["href"], back.get_text()) == ("../alive.html#shows-prop-3", "Alive")
    (front,) = entries["claim-fig-9"].select(".bs-claim-foot a")
    assert (front["href"], front.get_text()) == ("../index.html#shows-fig-9", "Front page")


def test_findings_carry_the_verdict_of_their_claim_and_lead_to_its_chapter(living_book: Built):
    listed = living_book.soup("index.html").select("ol.bs-findings > li")
    assert [item["id"] for item in listed] == ["finding-1", "finding-2"]
    assert badge(listed[0].select_one(".bs-verdict")) == ("Fails as printed", "fails")
    assert [link["href"] for link in listed[0].select("a")] == [
        "reference/ledger.html#claim-prop-3",
        "alive.html#shows-prop-3",
    ]
    assert listed[0].strong.get_text() == "Proposition 3"
    assert listed[0].em.get_text() == "sign"
    # Shown on the front page alone: there is no chapter to lead to.
    assert [link["href"] for link in listed[1].select("a")] == ["reference/ledger.html#claim-fig-9"]


def test_verdicts_are_counted(living_book: Built):
    said = living_book.soup(LEDGER).select_one(".bs-verdict-counts").get_text()
    assert said == "Of 3 claims, one holds, one fails and one is unsettled."


def test_the_legend_is_no_claim(living_book: Built):
    legend = [node for node in living_book.soup("index.html").select("p > .bs-verdict") if node.name == "span"]
    assert [badge(node) for node in legend] == [("Holds", "holds"), ("is wrong", "fails")]


def test_only_the_ledger_page_loads_the_filter(living_book: Built):
    def has_filter(name: str) -> bool:
        return any("bs/ledger.js" in script.get("src", "") for script in living_book.soup(name).select("script"))

    assert [has_filter(name) for name in (LEDGER, "index.html", "alive.html")] == [True, False, False]
    assert living_book.soup(LEDGER).select_one(".bs-ledger-filter").has_attr("hidden")  # until the script runs


def test_a_dead_link_is_found_out(living_book: Built, tmp_path: Path):
    assert dead_links(living_book.html, LEDGER, "article") == []
    copy = shutil.copytree(living_book.html, tmp_path / "html")
    alive = copy / "alive.html"
    alive.write_text(alive.read_text("utf-8").replace('id="shows-prop-3"', ""), "utf-8")
    assert dead_links(copy, LEDGER, "section.bs-claim") == ["../alive.html#shows-prop-3"]
    assert dead_links(copy, "index.html", "ol.bs-findings") == ["alive.html#shows-prop-3"]
    alive.unlink()
    assert len(dead_links(copy, LEDGER, "section.bs-claim")) == 2


def test_what_parallel_readers_have_seen_is_put_together_and_what_is_read_again_forgotten():
    ours, theirs = SimpleNamespace(), SimpleNamespace()
    verdicts.places(ours)["a"] = [("prop-3", "shows-prop-3")]
    verdicts.places(theirs).update({"b": [("eq-4", "shows-eq-4")], "c": [("fig-9", "shows-fig-9")]})
    verdicts.merge(None, ours, ["b"], theirs)
    assert verdicts.places(ours) == {"a": [("prop-3", "shows-prop-3")], "b": [("eq-4", "shows-eq-4")]}
    verdicts.forget(None, ours, "a")
    verdicts.forget(None, ours, "never-read")
    assert verdicts.places(ours) == {"b": [("eq-4", "shows-eq-4")]}


# --- the filter ---------------------------------------------------------------------------------------------


@pytest.fixture(params=["http", "file"])
def address(request: pytest.FixtureRequest, living_book: Built, serve) -> str:
    return f"{serve(living_book.html) if request.param == 'http' else living_book.html.as_uri()}/{LEDGER}"


def names(page: Page) -> list[str]:
    return page.locator("section.bs-claim:visible > h3").evaluate_all("all => all.map((h) => h.firstChild.data)")


def test_claims_are_filtered_by_verdict(page: Page, address: str):
    page.goto(address)
    assert len(names(page)) == 3
    fails = page.get_by_role("button", name="Fails 1")
    fails.focus()
    page.keyboard.press("Enter")
    assert names(page) == ["Proposition 3"]
    assert fails.get_attribute("aria-pressed") == "true"
    assert page.get_by_role("button", name="All 3").get_attribute("aria-pressed") == "false"
    expect(page.get_by_role("status")).to_have_text("1 of 3 claims")
    assert page.locator("section.bs-claims:visible").count() == 1  # headings without claims go too
    # The address keeps it, for a link or the way back.
    assert page.url.endswith("#verdict-fails")
    page.reload()
    assert names(page) == ["Proposition 3"]
    page.get_by_role("button", name="Fails 1").click()
    assert len(names(page)) == 3
    assert "#" not in page.url


def test_claims_are_searched(page: Page, address: str):
    page.goto(address)
    page.get_by_role("searchbox", name="Show claims that contain").fill("RABBIT  duck")
    assert names(page) == ["“Figure 9”"]
    page.get_by_role("button", name="Holds 1").click()
    assert names(page) == []
    expect(page.get_by_role("status")).to_have_text("0 of 3 claims")


def test_a_badge_leads_to_its_entry_through_any_filter(page: Page, address: str):
    page.goto(address + "#verdict-holds")
    assert names(page) == ["Equation 4"]
    page.evaluate("location.hash = '#claim-prop-3'")
    expect(page.locator("#claim-prop-3")).to_be_in_viewport()
    assert len(names(page)) == 3
    # And a second time, after a search that hid it.
    page.get_by_role("searchbox", name="Show claims that contain").fill("rabbit")
    assert names(page) == ["“Figure 9”"]
    page.evaluate("location.hash = '#claim-prop-3'")
    expect(page.locator("#claim-prop-3")).to_be_in_viewport()
    assert len(names(page)) == 3


def test_without_scripts_everything_is_shown(browser, living_book: Built):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{living_book.html.as_uri()}/{LEDGER}")
    assert page.locator("section.bs-claim:visible").count() == 3
    assert not page.locator(".bs-ledger-filter").is_visible()
    context.close()


# --- the real book ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def claims() -> dict[str, Claim]:
    assert (HTML / LEDGER).is_file(), "no ledger page in _build/html: run `make book` first"
    return load(ROOT / "book" / "ledger.yml")


@pytest.mark.book
def test_every_claim_has_its_entry_and_is_shown(claims: dict[str, Claim]):
    entries = {entry["id"]: entry for entry in read(HTML / LEDGER).select("section.bs-claim")}
    assert list(entries) == [claim.anchor for claim in claims.values()]
    for claim in claims.values():
        entry = entries[claim.anchor]
        assert badge(entry.select_one(".bs-verdict")) == (claim.badge, claim.verdict)
        assert entry.select(".bs-claim-foot a"), f"{claim.id} is shown nowhere"
    many = Counter(claim.verdict for claim in claims.values())
    buttons = read(HTML / LEDGER).select(".bs-ledger-filter button[data-verdict]")
    assert {button["data-verdict"]: int(button.span.get_text()) for button in buttons} == many


@pytest.mark.book
def test_badges_of_the_chapters_say_what_the_ledger_says(claims: dict[str, Claim]):
    for path in sorted(HTML.rglob("*.html")):
        soup = read(path)
        for shown in soup.select("a.bs-verdict"):
            claim = claims[urlsplit(shown["href"]).fragment.removeprefix("claim-")]
            assert badge(shown)[1] == claim.verdict, (path, claim.id)
        unlinked = [badge(node) for node in soup.select("article p > span.bs-verdict:not(.bs-claim-head *, .bs-tip *)")]
        legend = [(words, verdict) for verdict, words in VERDICTS.items()]
        assert unlinked == (legend if path.name == "index.html" else []), path


@pytest.mark.book
def test_the_ten_findings_lead_to_their_chapters(claims: dict[str, Claim]):
    listed = read(HTML / "index.html").select("ol.bs-findings > li")
    assert len(listed) == len(findings(claims)) == 10
    for item in listed[:9]:
        to_ledger, to_chapter = (link["href"] for link in item.select("a"))
        assert to_ledger.startswith(LEDGER)
        assert to_chapter.startswith("theory/"), to_chapter


@pytest.mark.book
@pytest.mark.parametrize(("page", "within"), [(LEDGER, "section.bs-claim"), ("index.html", "ol.bs-findings")])
def test_no_link_of_the_ledger_is_dead(claims: dict[str, Claim], page: str, within: str):
    assert dead_links(HTML, page, within) == []


def test_the_small_book_has_a_ledger_of_its_own():
    assert list(load(SOURCES / "ledger.yml")) == ["eq-4", "prop-3", "fig-9"]
