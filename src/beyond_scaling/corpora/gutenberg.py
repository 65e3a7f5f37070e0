"""Project Gutenberg's books without the header and the footer that its volunteers and lawyers put around them."""

from __future__ import annotations

import re

HEADER_LINES = 600  # a header ends within these
FOOTER_AFTER = 100  # a footer does not begin within these

# Beginnings of lines, as they were over fifty years; those of the Standardized Project Gutenberg Corpus (Gerlach and
# Font-Clos 2020), who had them from J. Krugel's and C. Wolff's strippers
_HEADER_ENDS = (
    # today's, and the "small print" of the nineties
    "*** START OF THE PROJECT GUTENBERG",
    "*** START OF THIS PROJECT GUTENBERG",
    " *** START OF THIS PROJECT GUTENBERG",
    "***START OF THE PROJECT GUTENBERG",
    "*** START OF THE COPYRIGHTED",
    "*END*THE SMALL PRINT",
    "*END THE SMALL PRINT",
    "*SMALL PRINT!",
    "****     SMALL PRINT!",
    '["Small Print" V.',
    # names of the project
    "The Project Gutenberg",
    "**The Project Gutenberg",
    "Beginning of this Project Gutenberg",
    "Project Gutenberg TEI",
    "                this Project Gutenberg edition.",
    "Project Runeberg publishes",
    # who made it
    "Produced by",
    "E-text prepared by",
    "This etext was prepared by",
    "This Etext was prepared by",
    "This eBook was prepared by",
    "This etext was produced by",
    "This Project Gutenberg Etext was prepared by",
    "Distributed Proofreading Team",
    "Gutenberg Distributed Proofreaders",
    "Project Gutenberg Distributed Proofreaders",
    "Gutenberg Online Distributed",
    "Project Gutenberg Online Distributed",
    "the Project Gutenberg Online Distributed",
    "and the Project Gutenberg Online Distributed Proofreading Team",
    "Mary Meehan, and the Project Gutenberg Online Distributed Proofreading",
    "Proofreading Team at http://www.pgdp.net",
    "http://www.pgdp.net",
    "of the etext through OCR.",
    # where the pages came from
    "http://gallica.bnf.fr)",
    "      http://archive.org/details/",
    "      (http://www.ibiblio.org/gutenberg/",
    "http://gutenberg.spiegel.de/ erreichbar.",
    "http://gutenberg2000.de erreichbar.",
    "by The Internet Archive)",
    "by The Internet Archive/Canadian Libraries",
    "by The Internet Archive/American Libraries",
    "Internet Archive)",
    "Internet Archive/Canadian Libraries",
    "Internet Archive/American Libraries",
    "public domain material from the Internet Archive",
    "material from the Google Print project",
    # what else was said there
    "More information about this book is at the top of this file.",
    "tells you about restrictions in how the file may be used.",
    "l'authorization à les utilizer pour preparer ce texte.",
    "*****These eBooks Were Prepared By Thousands of Volunteers!*****",
    "We need your donations more than ever!",
)
_FOOTER_BEGINS = (
    "*** END OF THE PROJECT GUTENBERG",
    "*** END OF THIS PROJECT GUTENBERG",
    " *** END OF THIS PROJECT GUTENBERG",
    "***END OF THE PROJECT GUTENBERG",
    "        ***END OF THE PROJECT GUTENBERG",
    "*** END OF THE COPYRIGHTED",
    "END OF PROJECT GUTENBERG",
    "End of the Project Gutenberg",
    " End of the Project Gutenberg",
    "End of The Project Gutenberg",
    "End of Project Gutenberg",
    "End of this Project Gutenberg",
    "End of this is COPYRIGHTED",
    "**This is a COPYRIGHTED Project Gutenberg Etext, Details Above**",
    "The Project Gutenberg Etext of ",
    "by Project Gutenberg",
    "Ende dieses Project Gutenber",
    "Ende dieses Projekt Gutenberg",
    "Ende diese Project Gutenberg",
    "Ende dieses Etextes ",
    "Fin de Project Gutenberg",
    "Ce document fut presente en lecture",
    "Ce document fut présenté en lecture",
    "More information about this book is at the top of this file.",
    "We need your donations more than ever!",
)
_LEGALESE = ("<<THIS ELECTRONIC VERSION OF", "SERVICE THAT CHARGES FOR DOWNLOAD")  # its first and last line


def _line(beginnings: tuple[str, ...]) -> re.Pattern[str]:
    """Finds the newline before a line that begins so: faster than `^`, which is tried at every character."""
    return re.compile("\n(?:" + "|".join(map(re.escape, beginnings)) + ")")


_HEADER, _FOOTER = _line(_HEADER_ENDS), _line(_FOOTER_BEGINS)
_NOTICE = re.compile(f"^{re.escape(_LEGALESE[0])}.*?^{re.escape(_LEGALESE[1])}[^\n]*\n?", re.MULTILINE | re.DOTALL)


def without_header(text: str) -> str:
    """A book's text after the last line that ends a header and before the first one that begins a footer.

    A header ends within the first 600 lines, a footer begins after the first 100 of what is left; a text that has
    neither stays as it is.
    """
    if _LEGALESE[0] in text:
        text = _NOTICE.sub("", text)
    beginning = "\n" + text[: _after_lines(text, HEADER_LINES)]
    ends = [found.start() for found in _HEADER.finditer(beginning)]
    if ends:
        line_end = text.find("\n", ends[-1])
        text = text[line_end + 1 :] if line_end >= 0 else ""
    footer = _FOOTER.search(text, max(0, _after_lines(text, FOOTER_AFTER) - 1))
    return text[: footer.start() + 1] if footer else text


def _after_lines(text: str, lines: int) -> int:
    """Where the line after so many begins; the text's end if there are fewer."""
    place = 0
    for _ in range(lines):
        place = text.find("\n", place) + 1
        if not place:
            return len(text)
    return place
