"""What the site serves itself: our scripts, MathJax and its fonts; and what the theme ships that no page uses."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sphinx.errors import ExtensionError

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HERE = Path(__file__).parent / "static"

# One bundle: the lighter ones load extensions when they meet a macro, and one missing file ends all maths on the page.
MATHJAX = ("tex-chtml-full.js", "output/chtml/fonts/woff-v2")

# Relative to _static: maps of the theme's sources, icon fonts that our own icons replace, translations and logos.
UNUSED = (
    "**/*.map",
    "vendor/fontawesome",
    "scripts/fontawesome.js*",
    "locales",
    "images",
    "sbt-webpack-macros.html",
    "webpack-macros.html",
    ".gitignore",
)


def mathjax_folder() -> Path:
    """The MathJax 3 that the package ``sphinx-mathjax-offline`` carries.

    Raises:
        ExtensionError: if it is not installed.
    """
    spec = importlib.util.find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise ExtensionError("no MathJax to serve: install the dev extra (it has sphinx-mathjax-offline)")
    return Path(spec.origin).parent / "static" / "mathjax"


def copy_assets(app: Sphinx) -> None:
    """Before the pages are written, so that their links carry the files' checksums."""
    if app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    shutil.copytree(HERE, static / "bs", dirs_exist_ok=True)
    for name in MATHJAX:
        source, target = mathjax_folder() / name, static / "mathjax" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, target)


def maths_only_where_used(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Sphinx asks for MathJax on a page whose table of contents leads to formulas; only the page's own count."""
    if "math notranslate" not in context.get("body", ""):
        scripts = context["script_files"]
        scripts[:] = [script for script in scripts if "mathjax/" not in str(getattr(script, "filename", ""))]


def prune(app: Sphinx, exception: Exception | None) -> None:
    """Drop what no page asks for."""
    if exception is not None or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    for pattern in UNUSED:
        for path in static.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", copy_assets)
    app.connect("html-page-context", maths_only_where_used, priority=900)
    # After the theme has copied its own.
    app.connect("build-finished", prune, priority=900)
    app.add_js_file("bs/page.js", priority=300, defer="defer")
    app.add_js_file("bs/search.js", priority=300, defer="defer")
