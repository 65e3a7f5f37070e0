r"""Formulas, set once: MathJax runs here, in one browser, and not on every reader's machine.

Each ``.math`` element of a page holds a formula's LaTeX; it gets what MathJax makes of it, with the MathML that screen
readers read. All pages share one style sheet and the fonts that it uses, and lose MathJax itself.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .site import Site

SHEET = "_static/bs/maths.css"
SCRIPT = "_static/mathjax/tex-chtml-full.js"
FONTS = "_static/mathjax/output/chtml/fonts/woff-v2"
ROOM = "_static/bs/maths-room.html"  # the page in which formulas are set; gone when they are

_CONFIG = re.compile(r"[ \t]*<script>window\.MathJax = (\{.*?\})</script>\n?")
_BUNDLE = re.compile(r'[ \t]*<script\b[^<>]*\bsrc="[^"<>]*mathjax/tex-chtml-full\.js[^"<>]*"[^<>]*></script>\n?')
_ELEMENT = re.compile(
    r'(?P<opening><(?P<name>span|div)\b[^<>]*\sclass="(?:[^"<>]*\s)?math(?:\s[^"<>]*)?"[^<>]*>)'
    r'(?P<number>\s*<span class="eqno">.*?</span>)?(?P<tex>.*?)(?P<closing></(?P=name)>)(?P<mark>[.,;:!?)]*)',
    re.DOTALL,
)
_DELIMITERS = (
    (r"\(", r"\)", False),
    (r"\[", r"\]", True),
)
_FACE = re.compile(r"@font-face[^{}]*\{\s*font-family: (?P<family>[^;]+);[^{}]*?/(?P<file>[^/\"]+\.woff)\"[^{}]*\}\n*")
_ADDRESS = re.compile(r'url\("[^"]*"\)')
_LINES = "MathJax_Zero.woff"  # the first font of every formula: empty, and so the one that gives lines their heights
_TITLE = re.compile(r"<title\b")
# A font in a style sheet comes after the first layout, wherever it is; one made of bytes is there at once.
_AT_ONCE = """<script>
      document.fonts.add(new FontFace("MJXZERO", Uint8Array.from(atob("%s"), (c) => c.charCodeAt(0))));
    </script>
    """
# Formulas are set apart from each other, so that one page's macros can not change another page's formulas.
_DEFINITION = re.compile(r"\\(?:(?:re|provide)?newcommand|renewcommand|[egx]?def|let|newenvironment)(?![a-zA-Z])")
# Widgets that bring LaTeX of their own are set on the page.
_LIVE = '"HTMLMathModel"'

_SET = r"""async (formulas) => {
  await MathJax.startup.promise;
  const made = formulas.map(({ tex, display }) => {
    const node = MathJax.tex2chtml(tex, { display });
    return { set: node.outerHTML, wrong: node.querySelector("mjx-merror")?.getAttribute("data-mjx-error") ?? null };
  });
  return { made, sheet: MathJax.chtmlStylesheet().textContent };
}"""

# Which fonts a browser asks for when it shows all formulas.
_USED = """async ({ address, formulas }) => {
  const sheet = document.createElement("link");
  const there = new Promise((done) => { sheet.onload = done; });
  Object.assign(sheet, { rel: "stylesheet", href: address });
  document.head.append(sheet);
  await there;
  document.body.innerHTML = formulas.join(" ");
  document.body.getBoundingClientRect();
  await document.fonts.ready;
  const failed = [...document.fonts].filter((face) => face.status === "error").map((face) => face.family);
  return { used: [...document.fonts].filter((face) => face.status === "loaded").map((face) => face.family), failed };
}"""


@dataclass(frozen=True, order=True)
class Formula:
    """LaTeX, and whether it stands on lines of its own."""

    tex: str
    display: bool


def run(site: Site) -> str:
    """Set every formula of every page.

    Raises:
        ValueError: a formula that MathJax cannot set; the message names the page and the LaTeX.
    """
    pages = {name: site.read(name) for name in site.pages()}
    places: dict[Formula, str] = {}  # the page where it first occurs
    counts = 0
    for name, page in pages.items():
        for formula in formulas(name, page):
            places.setdefault(formula, name)
            counts += 1
    if not places:
        return "no formulas"
    made = _Setter(site, configuration(pages)).all(places)
    live = [name for name, page in pages.items() if _LIVE in page]
    for name, page in pages.items():
        text = page if name in live else without_mathjax(page)
        if _ELEMENT.search(page):
            text = with_sheet(filled(page=text, name=name, made=made), name, made.version)
            text = _TITLE.sub(lambda match: made.opening + match[0], text, count=1)
        if text != page:
            site.write(name, text)
    if not live:
        (site.root / SCRIPT).unlink(missing_ok=True)
        for path in (site.root / FONTS).glob("*.woff"):
            if path.name not in made.fonts:
                path.unlink()
    return f"{counts} formulas, {len(places)} different ones, with {len(made.fonts)} fonts"


def formulas(name: str, page: str) -> Iterable[Formula]:
    """The formulas of a page, in their order.

    Raises:
        ValueError: a ``.math`` element with something else in it, or a formula that defines a macro.
    """
    return (_formula(name, match) for match in _ELEMENT.finditer(page))


def _formula(name: str, match: re.Match[str]) -> Formula:
    written = match["tex"].strip()
    tex = html.unescape(written)
    if "<" not in written:
        if found := _DEFINITION.search(tex):
            raise ValueError(f"{name}: a formula may not define a macro ({found[0]}), write it out: {tex}")
        for opening, closing, display in _DELIMITERS:
            if tex.startswith(opening) and tex.endswith(closing):
                return Formula(tex.removeprefix(opening).removesuffix(closing).strip(), display)
        if tex.startswith(r"\begin{"):  # an environment that numbers its own lines stands alone
            return Formula(tex, True)
    raise ValueError(rf"{name}: expected one formula between \( \) or \[ \], got {tex[:200]}")


def configuration(pages: dict[str, str]) -> dict[str, Any]:
    """MathJax's options, as the pages give them.

    Raises:
        ValueError: two pages that disagree.
    """
    found = {match[1]: name for name, page in pages.items() for match in _CONFIG.finditer(page)}
    if len(found) > 1:
        raise ValueError(f"MathJax has other options in {' than in '.join(list(found.values())[:2])}; give it the same")
    options: dict[str, Any] = json.loads(next(iter(found))) if found else {}
    return options


def without_mathjax(page: str) -> str:
    """A page that asks for no MathJax."""
    return _BUNDLE.sub("", _CONFIG.sub("", page))


def with_sheet(page: str, name: str, version: str) -> str:
    """A page with the formulas' style sheet, after all others as when MathJax adds it."""
    address = f"{'../' * name.count('/')}{SHEET}?v={version}"
    return page.replace("</head>", f'<link rel="stylesheet" href="{address}" />\n  </head>', 1)


def filled(page: str, name: str, made: Made) -> str:
    """A page with its formulas set."""

    def fill(match: re.Match[str]) -> str:
        text = match["opening"] + (match["number"] or "") + made.sets[_formula(name, match)] + match["closing"]
        # A browser may break the line after a formula, even before a full stop.
        return f'<span class="bs-keep">{text}{match["mark"]}</span>' if match["mark"] else text

    return _ELEMENT.sub(fill, page)


@dataclass(frozen=True)
class Made:
    """Formulas as set.

    Attributes:
        sets: the HTML of each.
        fonts: the names of the files of the site that show them.
        version: of the style sheet, for its address.
        opening: what a page with formulas needs before it is laid out.
    """

    sets: dict[Formula, str]
    fonts: frozenset[str]
    version: str
    opening: str


class _Setter:
    """One page in the browser, with MathJax."""

    def __init__(self, site: Site, options: dict[str, Any]) -> None:
        self.site = site
        tex = options.get("tex", {})
        packages = tex.get("packages", {})
        self.options = {
            **options,
            # Unknown macros are errors, not words in red.
            "tex": {**tex, "packages": {**packages, "[-]": [*packages.get("[-]", []), "noundefined"]}},
            "chtml": {**options.get("chtml", {}), "fontURL": f"../{FONTS.removeprefix('_static/')}"},
            "startup": {"typeset": False},
        }

    def all(self, places: dict[Formula, str]) -> Made:
        """Set all formulas.

        Args:
            places: the page on which each first occurs.
        """
        script = json.dumps(self.options).replace("</", "<\\/")
        source = f"../{SCRIPT.removeprefix('_static/')}"
        self.site.write(
            ROOM,
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Maths</title>'
            f'<script>window.MathJax = {script}</script><script src="{source}"></script></head><body></body></html>',
        )
        page = self.site.browser.new_page()
        try:
            page.goto(self.site.address(ROOM))
            asked = [{"tex": formula.tex, "display": formula.display} for formula in places]
            answer = page.evaluate(_SET, asked)
            sets = {}
            for (formula, place), one in zip(places.items(), answer["made"], strict=True):
                if one["wrong"]:
                    raise ValueError(f'{place}: MathJax says "{one["wrong"]}" of {formula.tex}')
                # Said once, in the sheet.
                sets[formula] = one["set"].replace(' style="position: relative;"', "", 1)
            sheet = "mjx-container { position: relative; }\n\n" + answer["sheet"]
            self.site.write(SHEET, sheet)
            seen = page.evaluate(_USED, {"address": "maths.css", "formulas": list(sets.values())})
        finally:
            page.close()
            (self.site.root / ROOM).unlink()
        if seen["failed"]:
            raise ValueError(f"{FONTS}: no font {', '.join(sorted(set(seen['failed'])))}")
        fonts = {face["file"] for face in _FACE.finditer(sheet) if face["family"].strip('"') in seen["used"]}
        sheet = _FACE.sub(lambda face: self.still(face) if face["file"] in fonts else "", sheet)
        self.site.write(SHEET, sheet)
        version = hashlib.sha256(sheet.encode()).hexdigest()[:8]
        return Made(sets, frozenset(fonts - {_LINES}), version, _AT_ONCE % self.lines())

    def lines(self) -> str:
        """The font that gives lines their heights, in base64."""
        return base64.b64encode((self.site.root / FONTS / _LINES).read_bytes()).decode()

    def still(self, face: re.Match[str]) -> str:
        """A font with which nothing moves when it comes.

        Glyphs have their widths from the sheet, lines their heights from one font, which is therefore in the sheet, and
        with scripts there before it; no other font is shown before.
        """
        rule = face[0].replace("}", "  font-display: block;\n}")
        if face["file"] != _LINES:
            return rule
        return _ADDRESS.sub(f'url("data:font/woff;base64,{self.lines()}")', rule)
