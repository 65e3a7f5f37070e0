"""Chapter 17 in the built book: every command as it is written in the file, with its cost and its links."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag

from beyond_scaling import commands, results, run_costs

from ..conftest import ROOT

HTML = Path(os.environ.get("BOOK_HTML", ROOT / "_build" / "html"))
PAGE = HTML / "reference" / "run-it-yourself.html"
KNOWN = commands.load(ROOT / "book" / commands.FILE)

pytestmark = pytest.mark.book


@pytest.fixture(scope="module")
def entries() -> dict[str, Tag]:
    soup = BeautifulSoup(PAGE.read_text(encoding="utf-8"), "html.parser")
    return {str(entry["id"]): entry for entry in soup.select("div.bs-run[id]")}


def test_every_command_stands_there_once_and_as_written(entries: dict[str, Tag]) -> None:
    assert list(entries) == [command.anchor for command in KNOWN.values()]
    for command in KNOWN.values():
        blocks = [block.get_text().strip() for block in entries[command.anchor].select("pre")]
        assert blocks == [line for line in (command.run, command.preset) if line]


def test_every_command_has_the_name_that_the_figure_gives_it(entries: dict[str, Tag]) -> None:
    names = [entry.select_one("p > .bs-run-name") for entry in entries.values()]
    assert [name.get_text() for name in names if name is not None] == list(KNOWN)


def test_every_command_says_what_it_costs(entries: dict[str, Tag]) -> None:
    told = run_costs.all_told(KNOWN, ROOT / "book" / "results")
    for command in KNOWN.values():
        facts = entries[command.anchor].select_one(".bs-run-facts")
        assert facts is not None
        assert f"Costs {told[command.id].words()}" in " ".join(facts.get_text(" ", strip=True).split())


def test_its_links_lead_somewhere(entries: dict[str, Tag]) -> None:
    for command in KNOWN.values():
        links = [str(link["href"]) for link in entries[command.anchor].select("a[href]")]
        inside = [link for link in links if link.startswith("#")]
        assert [link.removeprefix("#run-") for link in inside] == list(command.after)
        for link in set(links) - set(inside):
            assert (PAGE.parent / link.partition("#")[0]).is_file(), link
        assert bool(command.chapter) == bool(set(links) - set(inside))


def test_the_measurements_have_their_provenance() -> None:
    soup = BeautifulSoup(PAGE.read_text(encoding="utf-8"), "html.parser")
    (folded,) = soup.select("details.bs-provenance")
    for name in results.names(ROOT / "book" / "results"):
        if name.startswith(run_costs.PREFIX):
            assert name in folded.get_text()
