"""The whole book as one PDF: ``python tools/pdf.py`` prints the finished site in ``_build/html``.

Chromium opens every page in the order of the table of contents, with widgets drawn and everything unfolded, and prints
them as one document. So links between chapters lead within the PDF, headings become its bookmarks, the tags that screen
readers need are there, and each font is in it once. It is printed twice: page numbers of the contents are known then.
"""

from __future__ import annotations

import argparse
import html
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    import pikepdf
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[1]
HERE = Path(__file__).resolve().parent / "printing"
TITLE = "Energy, Memory and Scale"
SUBTITLE = "A live reading of “Beyond Scaling Laws: Understanding Transformer Performance with Associative Memory”"
SCALE = 0.84  # of the site's sizes on paper
WIDTH = round((210 - 2 * 18) / 25.4 * 96 / SCALE)  # CSS pixels between the margins of print.css
ALONE = """
  .bd-sidebar-primary, .bd-sidebar-secondary, .bd-header-article, .bd-header, footer, .pst-async-banner-revealer,
  #pst-back-to-top, .skip-link, #pst-skip-link { display: none !important; }
  .bd-main .bd-content .bd-article-container { max-width: none !important; padding: 0 !important; }
  .bd-main, .bd-content, .bd-container, .bd-container__inner { padding: 0 !important; margin: 0 !important; }
"""


class PdfError(ValueError):
    """Why there can be no PDF, in one line."""


@dataclass(frozen=True)
class Chapter:
    """A page of the book: its name in the table of contents, its title there ("" for its own), the part it is in."""

    name: str
    title: str
    part: str

    @property
    def slug(self) -> str:
        """Its anchor in the PDF."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower())


def chapters(toc: Path) -> list[Chapter]:
    """The pages in reading order.

    Raises:
        PdfError: the file is no table of contents.
    """
    try:
        data = yaml.safe_load(toc.read_text(encoding="utf-8"))
        listed = [Chapter(data["root"], "", "")]
        for part in data.get("parts") or [{"chapters": data.get("chapters", [])}]:
            for entry in part["chapters"]:
                listed.append(Chapter(entry["file"], entry.get("title", ""), part.get("caption", "")))
    except (OSError, yaml.YAMLError, KeyError, TypeError) as reason:
        why = " ".join(str(reason).split())
        raise PdfError(f"{toc}: no table of contents can be read from it: {why}") from reason
    return listed


def front_matter() -> list[tuple[str, str]]:
    """What the title page says of this edition, as (label, text)."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    rows = [("Edition", f"{edition_date():%-d %B %Y}, version {version}")]
    asked = ["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        rows.append(("Commit", done.stdout.strip()))
    if address := os.environ.get("BOOK_URL"):
        rows.append(("Alive at", address))
    rows.append(("Licence", "MIT"))
    return rows


def edition_date() -> datetime:
    """``$SOURCE_DATE_EPOCH``, or else the commit's day, or today."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not given:
        asked = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
        given = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    if given and not given.isdigit():
        raise PdfError(f"SOURCE_DATE_EPOCH is {given!r}; expected whole seconds since 1970")
    return datetime.fromtimestamp(int(given), UTC) if given else datetime.now(UTC)


def snapshot(page: Page, site: Path, chapter: Chapter, slugs: dict[str, str]) -> dict[str, Any]:
    """A page's text as HTML and the styles that it needs.

    Raises:
        PdfError: a figure or widget of the page was not drawn.
    """
    page.goto((site / f"{chapter.name}.html").as_uri())
    page.add_style_tag(content=ALONE)
    given = {"slug": chapter.slug, "title": chapter.title, "slugs": slugs, "site": site.as_uri() + "/"}
    taken: dict[str, Any] = page.evaluate(script("snapshot"), given)
    if taken["undrawn"]:
        raise PdfError(f"{chapter.name}: {taken['undrawn']} figures or widgets were not drawn")
    return taken


def script(name: str) -> str:
    """A function to be run in a page, without the words above it."""
    lines = (HERE / f"{name}.js").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("//"))


def assemble(listed: Sequence[Chapter], taken: Sequence[dict[str, Any]], numbers: dict[str, int]) -> str:
    """The document that is printed.

    Args:
        listed: the pages.
        taken: what ``snapshot`` took of each.
        numbers: slug -> page number, for the contents; empty at first.
    """
    styles: dict[str, None] = {}
    for each in taken:
        for style in each["styles"]:
            if "href" in style:
                styles[f'<link rel="stylesheet" href="{html.escape(style["href"])}">'] = None
            else:
                styles["<style>" + style["text"].replace("</", "<\\/") + "</style>"] = None
    print_css = (HERE / "print.css").read_text(encoding="utf-8")
    heads = "".join(
        f"@page {chapter.slug} {{ @top-right {{ content: {json.dumps(each['title'], ensure_ascii=False)};"
        f" font: 9pt sans-serif; color: #57606a; }} }}\n#{chapter.slug} {{ page: {chapter.slug}; }}\n"
        for chapter, each in zip(listed, taken, strict=True)
    )
    facts = "".join(f"<dt>{html.escape(label)}</dt><dd>{html.escape(text)}</dd>" for label, text in front_matter())
    contents, part = [], None
    for chapter, each in zip(listed, taken, strict=True):
        if chapter.part != part:
            part = chapter.part
            contents.append(f"</ul>{f'<h2>{html.escape(part)}</h2>' if part else ''}<ul>")
        number = numbers.get(chapter.slug, "")
        contents.append(
            f'<li><a href="#{chapter.slug}"><span>{html.escape(each["title"])}</span><span>{number}</span></a></li>'
        )
    listing = "<ul>" + "".join(contents).removeprefix("</ul><ul>") + "</ul>"
    articles = "".join(
        f'<article class="bd-article" id="{chapter.slug}">{each["html"]}</article>'
        for chapter, each in zip(listed, taken, strict=True)
    )
    return (
        f'<!DOCTYPE html><html lang="en" data-theme="light" data-mode="light"><head><meta charset="utf-8">'
        f"<title>{TITLE}</title>{''.join(styles)}<style>{print_css}\n{heads}</style></head><body>"
        f'<section class="bs-front"><h1>{TITLE}</h1><p class="bs-subtitle">{SUBTITLE}</p><dl>{facts}</dl></section>'
        f'<nav class="bs-contents" aria-label="Contents"><h1>Contents</h1>{listing}</nav>'
        f'<div class="bd-main"><div class="bd-content"><div class="bd-article-container">{articles}</div></div></div>'
        f"</body></html>"
    )


def print_document(browser: Browser, document: str, folder: Path, name: str) -> tuple[Path, list[str]]:
    """Print a document; returns the PDF's path and the headings in it."""
    source, target = folder / f"{name}.html", folder / f"{name}.pdf"
    source.write_text(document, encoding="utf-8")
    page = browser.new_page(viewport={"width": WIDTH, "height": 1000})
    page.emulate_media(media="print", color_scheme="light", reduced_motion="reduce")
    page.goto(source.as_uri())
    page.evaluate("async () => { await document.fonts.ready; }")
    page.evaluate(script("fit"))
    headings: list[str] = page.evaluate(script("headings"))
    page.pdf(path=target, scale=SCALE, prefer_css_page_size=True, print_background=True, tagged=True, outline=True)
    page.close()
    return target, headings


def page_numbers(path: Path, slugs: Sequence[str]) -> dict[str, int]:
    """slug -> the page on which its chapter begins, from 1.

    Raises:
        PdfError: a chapter has no place in the PDF.
    """
    import pikepdf

    with pikepdf.open(path) as document:
        places = document.Root.get("/Dests", {})
        if missing := [slug for slug in slugs if f"/{slug}" not in places]:
            raise PdfError(f"{missing[0]}: the printed book has no such chapter")
        # A place is an array that begins with its page.
        return {slug: pikepdf.Page(places[f"/{slug}"][0]).index + 1 for slug in slugs}


def name_bookmarks(document: pikepdf.Pdf, headings: Sequence[str]) -> None:
    """Give the bookmarks the words of their headings: Chromium's lack every formula.

    Raises:
        PdfError: there are not as many of the one as of the other.
    """
    import pikepdf

    found: list[pikepdf.Object] = []

    def visit(node: pikepdf.Object | None) -> None:
        while node is not None:
            found.append(node)
            visit(node.get("/First"))
            node = node.get("/Next")

    visit(document.Root.Outlines.get("/First"))
    if len(found) != len(headings):
        raise PdfError(f"the PDF has {len(found)} bookmarks for {len(headings)} headings")
    for entry, words in zip(found, headings, strict=True):
        entry.Title = pikepdf.String(words)


def finish(path: Path, target: Path, headings: Sequence[str]) -> int:
    """Say in the PDF what it is, and write it to its place, packed; returns the number of its pages."""
    import pikepdf

    with pikepdf.open(path) as document:
        name_bookmarks(document, headings)
        date = f"D:{edition_date():%Y%m%d%H%M%SZ}"
        about = {
            "/Title": f"{TITLE}: {SUBTITLE[0].lower()}{SUBTITLE[1:]}",
            "/Author": "The Energy, Memory and Scale authors",
            "/Subject": "Each claim of the paper stated, set moving and checked by a computation",
            "/Keywords": "associative memory, Hopfield network, transformer, scaling laws",
            "/Creator": "tools/pdf.py, Chromium",
            "/CreationDate": date,
            "/ModDate": date,
        }
        for name, words in about.items():
            document.docinfo[name] = words
        document.Root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)
        document.Root.PageMode = pikepdf.Name.UseOutlines
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".part")
        # Half of what Chromium writes are tags of a few bytes each, none of them compressed.
        document.save(
            part, object_stream_mode=pikepdf.ObjectStreamMode.generate, recompress_flate=True, deterministic_id=True
        )
        part.replace(target)
        return len(document.pages)


def make(site: Path, toc: Path, chromium: str | None = None) -> tuple[Path, int]:
    """Print a built book into ``downloads/`` beside its pages, and link to it on the page of downloads.

    Returns:
        The PDF's path and the number of its pages.

    Raises:
        PdfError: there is no such book, or a page of it cannot be printed.
    """
    from playwright.sync_api import sync_playwright

    from beyond_scaling.bookbuild import downloads

    site = site.resolve()
    listed = chapters(toc)
    if missing := [each.name for each in listed if not (site / f"{each.name}.html").is_file()]:
        raise PdfError(f"{site}: no page {missing[0]}.html there; run `make book` first")
    slugs = {f"{chapter.name}.html": chapter.slug for chapter in listed}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as scrap:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--font-render-hinting=none"]
        browser = playwright.chromium.launch(executable_path=chromium or os.environ.get("CHROMIUM"), args=flags)
        context = browser.new_context(
            viewport={"width": WIDTH, "height": 1600}, color_scheme="light", reduced_motion="reduce", bypass_csp=True,
            device_scale_factor=1,
        )  # fmt: skip
        page = context.new_page()
        page.set_default_timeout(120_000)  # a machine may be busy
        taken = [snapshot(page, site, chapter, slugs) for chapter in listed]
        context.close()
        first, _ = print_document(browser, assemble(listed, taken, {}), Path(scrap), "first")
        numbers = page_numbers(first, list(slugs.values()))
        second, headings = print_document(browser, assemble(listed, taken, numbers), Path(scrap), "second")
        browser.close()
        target = site / downloads.PDF
        pages = finish(second, target, headings)
    place = site / f"{downloads.PAGE}.html"
    if place.is_file():
        size = f"{target.stat().st_size / 1e6:.1f} MB"
        words = f"{target.name}, {pages} pages, {size}"
        place.write_text(downloads.announce(place.read_text(encoding="utf-8"), words), encoding="utf-8")
    return target, pages


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="pdf", description=__doc__.split("\n\n")[0] if __doc__ else None)
    parser.add_argument("--site", type=Path, default=ROOT / "_build" / "html", help="the finished book")
    parser.add_argument("--toc", type=Path, default=ROOT / "_toc.yml", help="its table of contents")
    parser.add_argument("--chromium", help="the browser's path; $CHROMIUM, or else Playwright's own")
    args = parser.parse_args(argv)
    from playwright.sync_api import Error

    try:
        path, pages = make(args.site, args.toc, args.chromium)
    except (OSError, ValueError, Error) as problem:
        print(f"pdf: {' '.join(str(problem).split())}", file=sys.stderr)
        return 2
    print(f"{path}: {pages} pages, {path.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
