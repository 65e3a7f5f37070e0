"""Shared by all tests: reference numbers, Figure 1's pattern sets, hypothesis without chance, and a real Chromium."""

from __future__ import annotations

import functools
import json
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, Page, sync_playwright

from .workers import ByWhatIsShared

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import chromium  # noqa: E402

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]

settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def golden() -> dict[str, Any]:
    """Reference numbers computed with 50 digits (tests/golden.json)."""
    return json.loads((Path(__file__).parent / "golden.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def figure_1() -> dict[str, np.ndarray]:
    """The pattern sets of the paper's Figure 1: D1 in one dimension, D2 in two."""
    return {
        "D1": np.array([[-2.0], [0.0], [1.0]]),
        "D2": np.array([[-2.0, -0.5], [0.2, -0.3], [1.5, 1.5]]),
    }


class Outcomes:
    """How each test function has gone so far in this session, all its cases and phases together."""

    def __init__(self) -> None:
        self.seen: dict[str, list[tuple[str, str]]] = {}  # function -> (phase, outcome)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        outcome = "expected to fail" if hasattr(report, "wasxfail") else report.outcome
        self.seen.setdefault(report.nodeid.split("[")[0], []).append((report.when or "", outcome))

    def of(self, function: str) -> str | None:
        """"passed" if it ran and nothing else happened, else what happened; None if it was not selected."""
        if function not in self.seen:
            return None
        others = sorted({outcome for _, outcome in self.seen[function]} - {"passed"})
        if others:
            return ", ".join(others)
        return "passed" if any(phase == "call" for phase, _ in self.seen[function]) else "not run"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "after_all: looks at how the others went, so it comes last")
    config.pluginmanager.register(Outcomes(), "outcomes")


@pytest.fixture
def outcomes(pytestconfig: pytest.Config) -> Outcomes:
    """How the tests before this one went."""
    return pytestconfig.pluginmanager.get_plugin("outcomes")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByWhatIsShared:
    return ByWhatIsShared(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: item.get_closest_marker("after_all") is not None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the whole run."""
    path = chromium.find()  # may start Playwright itself, so before ours
    assert path, "no Chromium: run `make browser`"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page, 1300 by 900, in a context of its own."""
    context = browser.new_context(viewport={"width": 1300, "height": 900})
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def serve():
    """serve(folder) -> base address; a quiet HTTP server on the loopback interface, stopped at the end."""
    servers = []

    class Quiet(SimpleHTTPRequestHandler):
        extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}  # noqa: RUF012

        def log_message(self, *args: object) -> None:
            pass

    @functools.cache
    def start(folder: Path) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
