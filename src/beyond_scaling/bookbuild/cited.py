"""References in words, where no bibliography extension reads the text: "Ramsauer et al. (2020)", and their list."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

FILE = "references.bib"


class References:
    """The book's references.

    Args:
        path: the BibTeX file.
    """

    def __init__(self, path: Path) -> None:
        from pybtex.database import parse_file

        self._entries: dict[str, Any] = dict(parse_file(str(path)).entries.items())

    def words(self, keys: list[str], *, in_text: bool) -> str:
        """``in_text``: "Cheng (1995)"; otherwise "(Cheng, 1995; Yuille and Rangarajan, 2003)".

        Raises:
            KeyError: there is no such reference.
        """
        if in_text:
            return ", ".join(f"{self._authors(key)} ({self._field(key, 'year')})" for key in keys)
        return "(" + "; ".join(f"{self._authors(key)}, {self._field(key, 'year')}" for key in keys) + ")"

    def listed(self, keys: list[str]) -> str:
        """The references as a Markdown list, in order of authors and year."""
        rows = []
        for key in sorted(keys, key=lambda key: (self._authors(key).lower(), self._field(key, "year"), key)):
            where = self._field(key, "journal") or self._field(key, "booktitle") or self._field(key, "publisher")
            told = f"{self._authors(key)} ({self._field(key, 'year')}). *{self._field(key, 'title')}*."
            address = self._address(key)
            rows.append(f"- {told}" + (f" {where}." if where else "") + (f" <{address}>" if address else ""))
        return "\n".join(rows)

    def _authors(self, key: str) -> str:
        people = self._entries[key].persons.get("author") or self._entries[key].persons.get("editor") or []
        names = [" ".join(part.render_as("text") for part in person.rich_last_names) for person in people]
        return f"{names[0]} et al." if len(names) > 2 else " and ".join(names)

    def _field(self, key: str, name: str) -> str:
        from pybtex.richtext import Text

        return Text.from_latex(self._entries[key].fields.get(name, "")).render_as("text")

    def _address(self, key: str) -> str:
        fields = self._entries[key].fields
        if "doi" in fields:
            return f"https://doi.org/{fields['doi']}"
        if "eprint" in fields:
            return f"https://arxiv.org/abs/{fields['eprint']}"
        return fields.get("url", "")


@lru_cache(maxsize=1)
def references(path: Path) -> References:
    """The references of a file, read once."""
    return References(path)
