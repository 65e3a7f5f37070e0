"""Figures are drawn once, here, and stand in the pages as plain SVG that needs no script.

Each is drawn twice, for a wide column and for a narrow one, with the very script that draws it live
(``static/figure_look.js``). Other colours stand in for the page's, and become ``var(--bs-NAME)``: light and dark are
then the style sheet's business, and a change of theme costs nothing.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from .site import Site

if TYPE_CHECKING:
    from playwright.sync_api import Page

LOOK = "_static/bs/figure_look.js"
LIBRARY = "_static/vendor/plotly/plotly-cartesian.min.js"

FIGURE = re.compile(
    r'(?P<open><div class="bs-figure-stage"[^>]* style="--wide:(?P<wide>[\d.]+/[\d.]+);'
    r'--narrow:(?P<narrow>[\d.]+/[\d.]+)")></div><script type="application/json">(?P<source>.*?)</script>',
    re.DOTALL,
)
VARIANTS = ("wide", "narrow")

# Bitmaps, as below contours, become WebP, a tenth of the PNG that plotly writes.
DRAW = """async ({ source, width, height, prefix, stand_ins }) => {
  const { drawing, collected } = window.bsFigures;
  const plot = document.createElement("div");
  document.body.append(plot);
  await Plotly.newPlot(plot, drawing(source, { width, height, now: stand_ins, font: "inherit", still: true }));
  const svg = collected(plot, prefix);
  for (const image of svg.querySelectorAll("image")) {
    const bitmap = new Image();
    bitmap.src = image.getAttribute("href") ?? image.getAttribute("xlink:href");
    await bitmap.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: bitmap.width, height: bitmap.height });
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    image.removeAttribute("xlink:href");
    image.setAttribute("href", canvas.toDataURL("image/webp", 0.9));
  }
  Plotly.purge(plot);
  plot.remove();
  return svg.outerHTML;
}"""


def run(site: Site) -> str:
    """Draw every figure of the book.

    Raises:
        ValueError: a figure's script is not there, or a colour stands for two things.
    """
    texts = {name: site.read(name) for name in site.pages()}
    pages = [name for name, text in texts.items() if FIGURE.search(text)]
    if not pages:
        return "no figures"
    context = site.browser.new_context(
        viewport={"width": 1300, "height": 900}, color_scheme="light", reduced_motion="reduce", bypass_csp=True
    )
    try:
        studio = _studio(context.new_page(), site, pages[0])
        stand_ins = _stand_ins(studio.evaluate("bsFigures.colours()"))
        count = size = 0
        for name in pages:
            drawn = _Drawn(studio, stand_ins)
            site.write(name, FIGURE.sub(drawn, texts[name]))
            count += drawn.count
            size += drawn.size
    finally:
        context.close()
    return f"{count} figures on {len(pages)} pages drawn, {size / 1e6:.1f} MB"


def _studio(page: Page, site: Site, name: str) -> Page:
    """A page of the book with its style sheets, none of its scripts, and what draws."""
    page.route("**/*.js*", lambda route: route.abort())
    page.goto(site.address(name))
    page.evaluate("document.body.replaceChildren(); document.body.style.fontFamily = 'var(--bs-sans)'")
    for script in (LIBRARY, LOOK):
        if not (site.root / script).is_file():
            raise ValueError(f"{site.root / script}: not there, but figures are drawn with it")
        page.add_script_tag(path=str(site.root / script))
    return page


def _stand_ins(colours: dict[str, str]) -> dict[str, str]:
    """For each colour of the page one of its own, by name: the page's, with one channel changed by one step."""
    changed: dict[str, str] = {}
    for name, colour in colours.items():
        if not re.fullmatch(r"#[0-9a-f]{6}", colour):
            raise ValueError(f"--bs-{name} is {colour!r}; expected a colour such as #1c2128")
        red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
        changed[name] = f"#{red:02x}{green:02x}{blue + (1 if blue < 255 else -1):02x}"
    if len(set(changed.values())) < len(changed):
        raise ValueError(f"two colours of the page are too near to tell apart in a drawing: {changed}")
    return changed


class _Drawn:
    """Puts a page's figures into their stages, one after the other."""

    def __init__(self, studio: Page, stand_ins: dict[str, str]) -> None:
        self.studio = studio
        self.stand_ins = stand_ins
        self.count = self.size = 0

    def __call__(self, match: re.Match[str]) -> str:
        self.count += 1
        source = match["source"]
        stills = "".join(
            f'<div class="bs-still bs-still-{variant}">{self._still(json.loads(source), variant, match[variant])}</div>'
            for variant in VARIANTS
        )
        self.size += len(stills)
        return f'{match["open"]} data-drawn="still">{stills}</div><script type="application/json">{source}</script>'

    def _still(self, source: Any, variant: str, shape: str) -> str:
        width, height = (float(part) for part in shape.split("/"))
        prefix = f"f{self.count}{variant[0]}"
        svg = self.studio.evaluate(
            DRAW, {"source": source, "width": width, "height": height, "prefix": prefix, "stand_ins": self.stand_ins}
        )
        return coloured(str(svg), self.stand_ins)


def coloured(svg: str, stand_ins: dict[str, str]) -> str:
    """The drawing in the page's colours: each stand-in, however it is written, as the variable that it stands for."""
    for name, colour in stand_ins.items():
        channels = ", ".join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))
        svg = svg.replace(f"rgb({channels})", f"var(--bs-{name})").replace(colour, f"var(--bs-{name})")
    return svg
