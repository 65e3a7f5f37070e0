"""What has to be known before a page is painted: light or dark, and whether it is read from its top.

The theme leaves a reader's "as my system" to a script that comes late: until then a dark page would be light. And only
a page that is opened at its top may leave its far blocks out of the first layout (book.css): one that is opened again,
or at an anchor, would move when they come. Such a page is shown once it is read to its end, where its reader was.

The theme also makes tab stops of what scrolls sideways, all at once, which has the whole page laid out, and again after
every change of a widget. Our pages do that in slices (``static/page.js``), so it is taken out.
"""

from __future__ import annotations

import re

from .site import Site

_CHOICE = re.compile(
    r'document\.documentElement\.dataset\.mode = localStorage\.getItem\("mode"\) \|\| "auto";\s*'
    r'document\.documentElement\.dataset\.theme = localStorage\.getItem\("theme"\) \|\| "auto";'
)
_CHOSEN = """{
      let mode = "auto";
      try { mode = localStorage.getItem("mode") || mode; } catch { /* a reader who lets no page remember anything */ }
      const dark = mode === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : mode === "dark";
      Object.assign(document.documentElement.dataset, { mode, theme: dark ? "dark" : "light" });
      const fresh = performance.getEntriesByType("navigation")[0]?.type === "navigate" && !location.hash;
      const { dataset } = document.documentElement;
      dataset[fresh ? "fresh" : "waits"] = "";
      if (!fresh) document.addEventListener("readystatechange", () => delete dataset.waits, { once: true });
    }"""
_SCRIPT = "_static/scripts/pydata-sphinx-theme.js"
_TAB_STOPS = re.compile(r',"complete"===document\.readyState\?(\w+)\(\):window\.addEventListener\("load",\1\)')
_ROOT = re.compile(r'(<html\b[^<>]*\bdata-theme=")auto(")')


def run(site: Site) -> str:
    """Put the choice into every page's head.

    Raises:
        ValueError: a page in which the theme chooses in another way, or a theme whose tab stops are made in another.
    """
    if (site.root / _SCRIPT).exists():
        script, found = _TAB_STOPS.subn("", site.read(_SCRIPT))
        if found != 1:
            raise ValueError(f"{_SCRIPT}: expected one place where the theme makes tab stops, found {found}")
        site.write(_SCRIPT, script)
    names = site.pages()
    for name in names:
        page, found = _CHOICE.subn(lambda _: _CHOSEN, site.read(name))
        if found != 1:
            raise ValueError(f"{name}: expected one script that sets dataset.mode and dataset.theme, found {found}")
        site.write(name, _ROOT.sub(r"\1light\2", page, count=1))
    return f"known from the start on {len(names)} pages"
