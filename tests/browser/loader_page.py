"""A static page of widgets as the book's build writes it, with the real loader, in a file of its own."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ipywidgets import Widget
from ipywidgets.embed import embed_data
from playwright.sync_api import Locator, Page

from beyond_scaling.bookbuild.widget_views import NO_SCRIPT, STATE_TYPE, VIEW_TYPE, lean, loader
from beyond_scaling.widgets.bundle import HERE

SPACER = '<div style="height: 400vh"></div>'


def write(folder: Path, *widgets: Widget, apart: bool = False) -> str:
    """The address of a page that shows the widgets, one below the other.

    Args:
        apart: several screens between any two.
    """
    data = embed_data(views=widgets, drop_defaults=False)
    models, modules = lean(data["manager_state"]["state"])
    views = [
        f'<div class="bs-view"><script type="{VIEW_TYPE}">{json.dumps(spec)}</script>{NO_SCRIPT}</div>'
        for spec in data["view_specs"]
    ]
    state = json.dumps({"state": models}).replace("<", "\\u003c")
    for name, text in modules.items():
        (folder / f"{name}.js").write_text(text, encoding="utf-8")
    scripts = "".join(f'<script src="{name}.js"></script>' for name in modules)
    style = (HERE / "widgets.css").read_text(encoding="utf-8")
    path = folder / "page.html"
    path.write_text(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Widgets</title><style>{style}</style>'
        f'</head><body><main><h1>Widgets</h1><p><a href="#end">On</a></p>{(SPACER if apart else "").join(views)}</main>'
        f'<script type="{STATE_TYPE}">{state}</script>{scripts}<script>{loader()}</script></body></html>',
        encoding="utf-8",
    )
    return path.as_uri()


def views(page: Page) -> Locator:
    return page.locator(".bs-view")


def ready(page: Page) -> list[str | None]:
    """What each view says of itself: "true", "partly", "failed", or None while it waits."""
    return page.evaluate("[...document.querySelectorAll('.bs-view')].map((view) => view.dataset.ready ?? null)")


def mount_all(page: Page) -> None:
    page.evaluate("window.bsMountAll()")


def troubles(page: Page) -> list[str]:
    """A list that grows with what the page throws or logs as an error."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda said: found.append(said.text) if said.type == "error" else None)
    return found


def fragment(states: Iterable[dict[str, Any]], n: int = 1) -> str:
    """What the address says of a widget in these states, by an encoder of the test's own."""
    text = json.dumps(list(states), separators=(",", ":")).encode()
    return f"w={n}~{base64.urlsafe_b64encode(text).decode().rstrip('=')}"


def read(address: str) -> dict[int, list[dict[str, Any]]]:
    """What an address says of its page's widgets."""
    return {
        int(n): json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        for n, text in re.findall(r"[#&]w=(\d+)~([\w-]+)", address)
    }
