"""Style sheets and scripts in few files, and what is known before a page is painted; on pages made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from beyond_scaling.bookbuild.finish import bundle, theme
from beyond_scaling.bookbuild.finish.site import Site

CHOICE = """<script>document.documentElement.dataset.mode = localStorage.getItem("mode") || "auto";
    document.documentElement.dataset.theme = localStorage.getItem("theme") || "auto";</script>"""
PAGE = """<html data-theme="auto"><head>{choice}
    <link rel="stylesheet" href="{up}_static/a.css?v=1" />
    <script src="{up}_static/doctools.js?v=1"></script>
    <script>DOCUMENTATION_OPTIONS.pagename = 'x';</script>
    {more}
  </head><body></body>
  <script defer src="{up}_static/scripts/theme.js"></script></html>"""
WIDGET = '<script defer="defer" src="../_static/bs/widgets.js?v=1"></script>'


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    made.write("_static/a.css", '@charset "UTF-8"; p { background: url(b.png) url("data:x") }')
    made.write("_static/doctools.js", '"use strict"; const doctools = 1')
    made.write("_static/scripts/theme.js", "const theme = doctools;")
    made.write("_static/bs/widgets.js", "start();")
    made.write("index.html", PAGE.format(choice=CHOICE, up="", more=""))
    made.write("deep/widget.html", PAGE.format(choice=CHOICE, up="../", more=WIDGET))
    return made


def test_a_page_asks_for_few_files_widgets_first(site: Site):
    bundle.run(site)
    plain, alive = site.read("index.html"), site.read("deep/widget.html")
    assert plain.count('rel="stylesheet"') == alive.count('rel="stylesheet"') == 1
    assert "_static/bs/site.css?v=" in plain
    assert plain.index("bs/site.js") < plain.index("bs/theme.js")
    assert alive.index("bs/widgets.js") < alive.index("bs/site.js")
    assert '<meta name="bs-late" content="../_static/bs/theme.js' in alive, "the theme waits for the first widget"
    assert 'src="../_static/bs/theme.js' not in alive
    assert "pagename" not in plain + alive
    assert 'url("../b.png") url("data:x")' in site.read("_static/bs/site.css")
    assert site.read("_static/bs/site.js").startswith(";"), "one file's directive is not for all"
    assert not (site.root / "_static" / "doctools.js").exists()


def test_orders_are_merged_or_refused():
    assert bundle.merged({"a": ["x", "z"], "b": ["x", "y", "z"]}) == ["x", "y", "z"]
    with pytest.raises(ValueError, match="b: asks for y, x in another order"):
        bundle.merged({"a": ["x", "y"], "b": ["y", "x"]})
    with pytest.raises(ValueError, match="imports another"):
        bundle.moved('@import "x.css";', "_static/a.css")


def test_light_or_dark_is_chosen_first_and_light_without_scripts(site: Site):
    theme.run(site)
    page = site.read("index.html")
    assert '<html data-theme="light">' in page
    assert "prefers-color-scheme: dark" in page
    site.write("a.html", "<html><head></head></html>")
    with pytest.raises(ValueError, match=r"a.html: expected one script that sets dataset.mode"):
        theme.run(site)


def test_the_theme_makes_no_tab_stops(site: Site):
    name = "_static/scripts/pydata-sphinx-theme.js"
    site.write(name, 'f((()=>{s()})),"complete"===document.readyState?O():window.addEventListener("load",O)})();')
    theme.run(site)
    assert site.read(name) == "f((()=>{s()}))})();"
    site.write(name, "f()")
    site.write("index.html", PAGE.format(choice=CHOICE, up="", more=""))
    with pytest.raises(ValueError, match="tab stops, found 0"):
        theme.run(site)
