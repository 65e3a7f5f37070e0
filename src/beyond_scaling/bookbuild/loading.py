"""How a page of the book loads, in a real browser: bytes, paints, the first widget, long tasks, what moves.

The benchmark (``benchmarks/pages.py``) prints it for every page and the tests hold it to :data:`BUDGET`.
"""

from __future__ import annotations

import functools
import gzip
import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDE, NARROW = 1300, 390  # widths of the window at which everything is looked at, CSS pixels
HEIGHT = 900


@dataclass(frozen=True)
class Budget:
    """What a page, and the site, may cost."""

    page_bytes: int = 1_200_000  # transferred, compressed
    widget_ms: float = 500  # until the first widget can be used
    task_ms: float = 100  # the longest time in which the page cannot answer, in processor time
    shift: float = 0.01  # cumulative layout shift
    site_bytes: int = 15_000_000  # on disk, without the PDF


BUDGET = Budget()

# Runs before the page's own scripts.
WATCH = """(() => {
  const seen = window.bsSeen = { shifts: [], painted: 0 };
  const watch = (type, take) => {
    new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
  };
  const told = ({ node }) => (node?.outerHTML ?? String(node?.textContent)).slice(0, 100);
  watch("largest-contentful-paint", (paint) => { seen.painted = paint.startTime; });
  watch("layout-shift", (shift) => {
    const { startTime: start, value, sources } = shift;
    if (!shift.hadRecentInput) seen.shifts.push({ start, value, moved: sources.map(told) });
  });
})()"""

# Whether everything that is in the window is there: fonts, formulas, figures and widgets.
SETTLED = """async () => {
  await document.fonts.ready;
  if (window.MathJax?.startup?.promise) await window.MathJax.startup.promise;
  const near = (e) => { const at = e.getBoundingClientRect(); return at.bottom > 0 && at.top < innerHeight; };
  const done = (selector, name) => [...document.querySelectorAll(selector)].every((e) => e.dataset[name] || !near(e));
  const there = (selector) => document.querySelector(selector) !== null;
  const lays = there("script:is([src*='bs/page.js'], [src*='bs/site.js'])");
  const laid = "laid" in document.documentElement.dataset || !lays;
  const themed = !there("meta[name='bs-late']") || there("script[src*='bs/theme.js']");
  return document.readyState === "complete" && laid && themed
    && done(".bs-view", "ready") && done(".bs-figure-stage", "drawn");
}"""

# Idle twice in a row: what was put off until then has been done, and been seen by the observers.
IDLE = """async () => {
  const idle = () => new Promise((done) => requestIdleCallback(done, { timeout: 1000 }));
  for (let i = 0; i < 2; i += 1) await idle();
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""

READ = """() => {
  const files = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .filter((entry) => entry.name.startsWith(location.origin));
  return {
    bytes: files.reduce((sum, entry) => sum + entry.transferSize, 0),
    requests: files.length,
    first_paint: performance.getEntriesByName("first-paint")[0]?.startTime ?? 0,
    widget: performance.getEntriesByName("bs-widget-ready")[0]?.startTime ?? null,
    nodes: document.querySelectorAll("*").length,
    ...window.bsSeen,
  };
}"""


@dataclass(frozen=True)
class Load:
    """One visit to a page by a reader who has never been there and scrolls through it.

    Attributes:
        bytes: transferred, compressed, all files together; before the reader points at anything.
        requests: how many files.
        first_paint, largest_paint: milliseconds since the page was asked for.
        widget: milliseconds until the first widget could be used; None on a page without.
        task: milliseconds of processor time of the page's longest task. Unlike the time that passes meanwhile, which is
            the same on a machine with nothing else to do, it does not grow with what others do.
        shifts: each layout shift: its value, when, and what moved.
        nodes: elements of the page.
    """

    bytes: int
    requests: int
    first_paint: float
    largest_paint: float
    widget: float | None
    task: float
    shifts: tuple[dict[str, Any], ...]
    nodes: int

    @property
    def shift(self) -> float:
        """All shifts together: never less than the browser's own score, which takes the worst five seconds."""
        return sum(shift["value"] for shift in self.shifts)


def load(browser: Browser, address: str, width: int = WIDE) -> Load:
    """Visit a page with nothing cached, wait until it is quiet and scroll to its end."""
    context = browser.new_context(viewport={"width": width, "height": HEIGHT})
    try:
        context.add_init_script(WATCH)
        page = context.new_page()
        browser.start_tracing(page=page, categories=["toplevel"])
        try:
            page.goto(address)
            settle(page)
            first = page.evaluate(READ)
            scroll_through(page)
            seen = page.evaluate(READ)
        finally:
            trace = browser.stop_tracing()
    finally:
        context.close()
    return Load(
        bytes=first["bytes"],
        requests=first["requests"],
        first_paint=first["first_paint"],
        largest_paint=first["painted"],
        widget=first["widget"],
        task=longest_task(trace),
        shifts=tuple(seen["shifts"]),
        nodes=seen["nodes"],
    )


def longest_task(trace: bytes) -> float:
    """Milliseconds of processor time of the longest task of any page's main thread.

    Args:
        trace: Chromium's, with the category "toplevel".
    """
    events = json.loads(trace)["traceEvents"]
    threads = {
        (event["pid"], event["tid"])
        for event in events
        if event["ph"] == "M" and event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    tasks = [
        event["tdur"] / 1000
        for event in events
        # A task that was running as the trace began or ended has no such time.
        if "tdur" in event and event["name"].endswith("RunTask") and (event["pid"], event["tid"]) in threads
    ]
    if not tasks:
        raise ValueError("the trace has no tasks of a page; another Chromium may call them otherwise")
    return max(tasks)


def settle(page: Page, seconds: float = 30) -> None:
    """Wait until the page is whole, as far as it is in the window, and has nothing left to do.

    Raises:
        TimeoutError: it is not, with what is missing.
    """
    end = time.monotonic() + seconds
    while not page.evaluate(SETTLED):
        if time.monotonic() > end:
            missing = page.evaluate(
                "[...document.querySelectorAll('.bs-view:not([data-ready]), .bs-figure-stage:not([data-drawn])')]"
                ".map((e) => e.outerHTML.slice(0, 200))"
            )
            raise TimeoutError(f"{page.url}: not settled after {seconds:g} s: {missing}")
        page.wait_for_timeout(20)
    page.evaluate(IDLE)


def scroll_through(page: Page) -> None:
    """Scroll to the end, a window at a time, and wait for what comes into sight."""
    while page.evaluate("() => { const y = scrollY; scrollBy(0, innerHeight); return scrollY > y; }"):
        settle(page)


PACKED = frozenset({".woff2", ".webp", ".png", ".zip", ".pdf"})  # compressed already


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A visitor who leaves before everything has come is no error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Compressing(SimpleHTTPRequestHandler):
    """Files as a good host sends them: text compressed, once for all visits."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are sent apart: the second would wait for the first one's answer
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}  # noqa: RUF012

    def log_message(self, format: str, *args: object) -> None:
        pass

    def send_head(self) -> BytesIO | BinaryIO | None:
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            self.send_error(404)
            return None
        kind = self.guess_type(path)
        small = path.suffix not in PACKED and "gzip" in self.headers.get("Accept-Encoding", "")
        body = _compressed(path, path.stat().st_mtime_ns) if small else path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if small:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return BytesIO(body)


@functools.cache
def _compressed(path: Path, modified: int) -> bytes:
    return gzip.compress(path.read_bytes(), mtime=0)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on the loopback interface; gives its address."""
    server = _Server(("127.0.0.1", 0), functools.partial(_Compressing, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def site_bytes(folder: Path) -> int:
    """The size of all files of the site, but for the whole book as a PDF, which lies beside it."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files if path.suffix != ".pdf")
