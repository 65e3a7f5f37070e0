"""A picture of every widget, for pages without JavaScript, for a widget that fails and for archives; and its heights.

Each page is opened once. Its widgets are shown, photographed at the wide column, and measured at several widths of the
window. The picture goes into the view's ``<noscript>``, with what the widget says of itself as its words; the heights
go onto the view, for the style sheet to keep exactly the room that the widget will need.
"""

from __future__ import annotations

import base64
import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .site import Site

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTHS = (360, 390, 430, 600, 768, 1000, 1300)  # of the window, in CSS pixels; book.css joins the heights by lines
PICTURED = 1300
SCALE = 1.5  # pixels of the picture per CSS pixel
QUALITIES = (80, 65, 50, 35, 20)  # of WebP, the first that is small enough
MOST_BYTES = 40_000  # of one picture, if any quality gives it
FOLDER = "_images/stills"

VIEW = re.compile(
    r'<div class="bs-view" data-widget="(?P<name>[^"]*)">(?P<script><script [^>]*>.*?</script>)<noscript>.*?</noscript>'
)

# The widgets alone: the rest of the page would be laid out again at every width.
SHOW_ALL = """async () => {
  await window.bsMountAll();
  await document.fonts.ready;
  document.documentElement.dataset.theme = "light";
  const views = [...document.querySelectorAll(".bs-view")];
  for (const node of document.querySelectorAll("article *")) {
    const kept = views.some((view) => view.contains(node) || node.contains(view));
    if (!kept && node.parentElement.querySelector(".bs-view")) node.style.display = "none";
  }
}"""
# Two frames: widgets lay themselves out when they hear of their width, and draw in the frame after it.
SETTLE = """() => new Promise((done) => {
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 60)));
})"""
HEIGHTS = """() => [...document.querySelectorAll(".bs-view")].map((view) => {
  view.style.minHeight = "0";
  return Math.ceil(view.getBoundingClientRect().height);
})"""
PICTURES = """() => [...document.querySelectorAll(".bs-view")].map((view) => {
  const text = (selector) => [...view.querySelectorAll(selector)].map((node) => node.innerText.trim()).filter(Boolean);
  const { x, y, width, height } = view.querySelector(".bs-content > *").getBoundingClientRect();
  return {
    ready: view.dataset.ready,
    clip: { x: x + scrollX, y: y + scrollY, width, height },
    words: [...text(".bs-title"), ...text(".bs-hint"), ...text(".bs-live")],
  };
})"""
# What can only be moved is left out of a picture.
STYLE = """*, *::before, *::after { animation: none !important; transition: none !important; }
.bs-view .bs-tools, .bs-posing .bs-controls { display: none !important; }
.bd-header, .bd-header-article, #pst-back-to-top { visibility: hidden !important; }"""


@dataclass(frozen=True)
class Still:
    """One view as it was photographed and measured.

    Attributes:
        picture: WebP.
        width, height: of the picture, in CSS pixels.
        words: what it shows.
        heights: of the view with its tools, in CSS pixels, one for each of ``WIDTHS``.
    """

    picture: bytes
    width: int
    height: int
    words: str
    heights: tuple[int, ...]


def run(site: Site) -> str:
    """
    Raises:
        ValueError: a widget is not alive in its page, so that there is nothing to photograph.
    """
    sizes: list[int] = []
    for name in site.pages():
        text = site.read(name)
        places = len(VIEW.findall(text))
        if not places:
            continue
        stills = photograph(site, name)
        if len(stills) != places:
            raise ValueError(f"{name}: {places} widgets in its text and {len(stills)} in the browser")
        stem = name.removesuffix(".html").replace("/", "-")
        for number, still in enumerate(stills, 1):
            path = site.root / FOLDER / f"{stem}-{number}.webp"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(still.picture)
            sizes.append(len(still.picture))
        up = "../" * name.count("/")
        site.write(name, placed(text, stills, f"{up}{FOLDER}/{stem}"))
    largest = max(sizes, default=0)
    return f"{len(sizes)} pictures of widgets, {sum(sizes) / 1000:.0f} kB, the largest {largest / 1000:.0f} kB"


def photograph(site: Site, name: str) -> list[Still]:
    """The views of a page, in order."""
    context = site.browser.new_context(
        viewport={"width": PICTURED, "height": 900},
        device_scale_factor=SCALE,
        color_scheme="light",
        reduced_motion="reduce",
    )
    try:
        page = context.new_page()
        page.goto(site.address(name))
        page.evaluate(SHOW_ALL)
        heights = _heights(page)
        page.set_viewport_size({"width": PICTURED, "height": 900})
        page.add_style_tag(content=STYLE)
        page.evaluate("document.querySelectorAll('.bs-view').forEach((view) => view.classList.add('bs-posing'))")
        page.evaluate(SETTLE)
        seen: list[dict[str, Any]] = page.evaluate(PICTURES)
        for number, view in enumerate(seen, 1):
            if view["ready"] not in ("true", "partly"):
                raise ValueError(f"{name}: widget {number} is {view['ready'] or 'not there'}; expected it alive")
        return [
            Still(
                _picture(page, view["clip"]),
                round(view["clip"]["width"]),
                round(view["clip"]["height"]),
                " ".join(map(_sentence, view["words"])) or "An interactive figure.",
                tuple(column),
            )
            for view, column in zip(seen, zip(*heights, strict=True), strict=True)
        ]
    finally:
        context.close()


def _sentence(words: str) -> str:
    return words if words.endswith((".", "!", "?", ":", "…")) else f"{words}."


def _heights(page: Page) -> list[list[int]]:
    """For each of ``WIDTHS`` the height of each view."""
    found: list[list[int]] = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(SETTLE)
        found.append(page.evaluate(HEIGHTS))
    return found


def _picture(page: Page, clip: dict[str, float]) -> bytes:
    session = page.context.new_cdp_session(page)
    taken = b""
    for quality in QUALITIES:
        answer = session.send(
            "Page.captureScreenshot",
            {"format": "webp", "quality": quality, "clip": {**clip, "scale": 1}, "captureBeyondViewport": True},
        )
        taken = base64.b64decode(answer["data"])
        if len(taken) <= MOST_BYTES:
            break
    session.detach()
    return taken


def placed(text: str, stills: list[Still], address: str) -> str:
    """A page's text with each still in its view.

    Args:
        address: of the pictures as the page sees them, without number and ending.
    """
    numbers = iter(enumerate(stills, 1))

    def fill(view: re.Match[str]) -> str:
        number, still = next(numbers)
        heights = ";".join(f"--h{width}:{height}" for width, height in zip(WIDTHS, still.heights, strict=True))
        return (
            f'<div class="bs-view" data-widget="{view["name"]}" style="{heights}">{view["script"]}<noscript>'
            f'<div class="bs-picture"><img src="{address}-{number}.webp" width="{still.width}" height="{still.height}" '
            f'loading="lazy" alt="{html.escape(still.words)}"></div>'
            '<p class="bs-note">The picture is how this interactive figure starts; to move it, turn JavaScript on.</p>'
            "</noscript>"
        )

    return VIEW.sub(fill, text)
