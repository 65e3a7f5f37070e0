"""Project Gutenberg's headers and footers, of today and of old."""

from __future__ import annotations

import pytest

from beyond_scaling.corpora.gutenberg import without_header

BOOK = "CHAPTER I\n\n" + "".join(f"Line {number} of the book.\n" for number in range(150))


@pytest.mark.parametrize(
    ("header", "footer"),
    [
        (
            "The Project Gutenberg eBook of A Book\n\nTitle: A Book\n\n"
            "*** START OF THE PROJECT GUTENBERG EBOOK A BOOK ***\n",
            "*** END OF THE PROJECT GUTENBERG EBOOK A BOOK ***\n\nSection 1. General terms of use\n",
        ),
        (
            "Title: A Book\n***START OF THE PROJECT GUTENBERG EBOOK A BOOK***\n\n\nE-text prepared by A. N. Other\n",
            "End of Project Gutenberg's A Book, by A. N. Other\n\n*** END OF THIS PROJECT GUTENBERG EBOOK ***\n",
        ),
        (
            "*** START OF THIS PROJECT GUTENBERG EBOOK A BOOK ***\nProduced by A. N. Other and the Online Distributed\n"
            "Proofreading Team at http://www.pgdp.net\n",
            "End of the Project Gutenberg EBook of A Book\n",
        ),
        (
            "Project Gutenberg Etext of A Book\n\n*SMALL PRINT! for public domain etexts*\nWHY IS THIS HERE?\n"
            "*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*\n",
            "End of this Project Gutenberg Etext of A Book\n",
        ),
        (
            "<<THIS ELECTRONIC VERSION OF THE COMPLETE WORKS IS COPYRIGHT\nnot to be sold\n"
            "SERVICE THAT CHARGES FOR DOWNLOAD TIME>>\n",
            "",
        ),
        ("", "Ende dieses Projekt Gutenberg Etextes Ein Buch\n"),
        ("", ""),
    ],
)
def test_header_and_footer_go_and_the_book_stays(header: str, footer: str) -> None:
    assert without_header(header + BOOK + footer + ("License\n" if footer else "")) == BOOK
    windows = (header + BOOK + footer).replace("\n", "\r\n")
    assert without_header(windows) == BOOK.replace("\n", "\r\n")


def test_only_lines_that_begin_so_and_lie_where_headers_do() -> None:
    inside = BOOK + 'He read: "Produced by hand".\n' + BOOK
    assert without_header(inside) == inside
    late = BOOK * 5 + "Produced by hand.\n" + BOOK
    assert without_header(late) == late
    early = "End of Project Gutenberg, he dreamt.\n" + BOOK
    assert without_header(early) == early


def test_a_text_of_nothing_but_a_header() -> None:
    assert without_header("*** START OF THE PROJECT GUTENBERG EBOOK ***") == ""
    assert without_header("") == ""
