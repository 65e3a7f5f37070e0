"""The ledger of claims: every claim of the paper with its verdict, its places, its corrected form and its tests.

The one file is ``book/ledger.yml``, a list of sections in the paper's order, each with its claims. Nothing else holds a
verdict: badges, the ledger page and the findings are written from it (``bookbuild.verdicts``, ``bookbuild.ledger``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import strict_yaml
from .strict_yaml import items as _list
from .strict_yaml import keys as _keys
from .strict_yaml import text as _text

VERDICTS = {
    "holds": "Holds",
    "corrected": "Holds, corrected",
    "fails": "Fails",
    "assumption": "Assumption",
    "unsettled": "Unsettled",
}

REQUIRED = ("id", "name", "v0", "v1", "statement", "verdict", "tests")
OPTIONAL = ("badge", "corrected", "finding")

_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_TEST = re.compile(r"tests/[\w/]+\.py::test_\w+")

LedgerError = strict_yaml.FormError


@dataclass(frozen=True)
class Place:
    """Where a claim stands in one version of the paper, or, if it does not, why (``present`` is False)."""

    text: str
    present: bool = True


@dataclass(frozen=True)
class Finding:
    """One of the findings on the front page."""

    number: int
    text: str


@dataclass(frozen=True)
class Claim:
    """One claim of the paper.

    Attributes:
        id: its name in the chapters' sources, such as ``prop-4``.
        section: the heading it stands under in the ledger.
        name: what the paper calls it.
        v0, v1: where each version makes it.
        statement: the claim in our words (MyST).
        verdict: a key of ``VERDICTS``.
        badge: the verdict in words.
        corrected: what is true instead, or more exactly (MyST); empty if there is nothing to add.
        tests: the functions that check it, as ``tests/file.py::test_name``.
        finding: the finding that rests on it, if any.
    """

    id: str
    section: str
    name: str
    v0: Place
    v1: Place
    statement: str
    verdict: str
    badge: str
    corrected: str
    tests: tuple[str, ...]
    finding: Finding | None

    @property
    def anchor(self) -> str:
        """The id of its entry on the ledger page."""
        return f"claim-{self.id}"


def load(path: Path) -> dict[str, Claim]:
    """The claims of a ledger file, by id, in the file's order.

    Raises:
        FileNotFoundError: no such file.
        LedgerError: not YAML; an unknown, missing, empty or repeated field; a verdict that is none of the five; an id
            used twice; a correction missing where the verdict asks for one; findings not numbered 1, 2, 3, ...
    """
    sections = strict_yaml.read(path)
    claims: dict[str, Claim] = {}
    for section in _list(sections, path.name, "sections"):
        _keys(section, ("section", "claims"), (), f"{path.name}: a section")
        title = _text(section["section"], f"{path.name}: a section", "section")
        for entry in _list(section["claims"], f"{path.name}: section {title!r}", "claims"):
            claim = _claim(entry, title, path.name)
            if claim.id in claims:
                raise LedgerError(f"{path.name}: claim {claim.id!r} stands there twice")
            claims[claim.id] = claim
    numbers = [finding.number for finding in findings(claims)]
    if numbers != list(range(1, len(numbers) + 1)):
        raise LedgerError(f"{path.name}: findings are numbered {numbers}, expected 1, 2, 3, ... each once")
    return claims


def findings(claims: Mapping[str, Claim]) -> list[Finding]:
    """The findings of all claims, by number."""
    return sorted((c.finding for c in claims.values() if c.finding is not None), key=lambda finding: finding.number)


def _claim(entry: Any, section: str, file: str) -> Claim:
    name = entry.get("id") if isinstance(entry, Mapping) else None
    where = f"{file}: claim {name!r}" if name else f"{file}: a claim of {section!r}"
    _keys(entry, REQUIRED, OPTIONAL, where)
    text = {key: _text(entry[key], where, key) for key in ("id", "name", "statement", "verdict")}
    text |= {key: _text(entry[key], where, key) for key in ("badge", "corrected") if key in entry}
    if not _ID.fullmatch(text["id"]) or text["id"] in VERDICTS:
        raise LedgerError(f"{where}: id is {text['id']!r}, expected lower-case words and numbers joined by '-'")
    verdict = text["verdict"]
    if verdict not in VERDICTS:
        raise LedgerError(f"{where}: verdict is {verdict!r}, expected one of {', '.join(VERDICTS)}")
    if verdict in ("corrected", "fails") and "corrected" not in text:
        raise LedgerError(f"{where}: verdict {verdict!r} and no field corrected: say what is true instead")
    tests = tuple(_text(test, where, "tests") for test in _list(entry["tests"], where, "tests"))
    for test in tests:
        if not _TEST.fullmatch(test):
            raise LedgerError(f"{where}: test {test!r}, expected the form tests/file.py::test_name")
    return Claim(
        id=text["id"],
        section=section,
        name=text["name"],
        v0=_place(entry["v0"], where, "v0"),
        v1=_place(entry["v1"], where, "v1"),
        statement=text["statement"],
        verdict=verdict,
        badge=text.get("badge", VERDICTS[verdict]),
        corrected=text.get("corrected", ""),
        tests=tests,
        finding=_finding(entry["finding"], where) if "finding" in entry else None,
    )


def _place(value: Any, where: str, field: str) -> Place:
    if isinstance(value, Mapping):
        _keys(value, ("absent",), (), f"{where}, {field}")
        return Place(_text(value["absent"], where, f"{field}, absent"), present=False)
    return Place(_text(value, where, field))


def _finding(value: Any, where: str) -> Finding:
    _keys(value, ("number", "text"), (), f"{where}, finding")
    number = value["number"]
    if isinstance(number, bool) or not isinstance(number, int):
        raise LedgerError(f"{where}, finding: number is {number!r}, expected an integer")
    return Finding(number, _text(value["text"], where, "finding, text"))
