"""A built book on disk, and one browser for all the steps that need it."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
MARK = "_static/bs/finished"  # there when all steps have run


class Site:
    """The folder of a built book.

    Args:
        root: where ``index.html`` is.
        chromium: the browser's path; ``$CHROMIUM``, or else Playwright's own, if None.
    """

    def __init__(self, root: str | os.PathLike[str], chromium: str | None = None) -> None:
        self.root = Path(root).resolve()
        self._path = chromium or os.environ.get("CHROMIUM")
        self._playwright: Any = None
        self._browser: Browser | None = None

    def pages(self) -> list[str]:
        """Every page, as ``"theory/attention.html"``, in order of name."""
        return sorted(path.relative_to(self.root).as_posix() for path in self.root.rglob("*.html"))

    def read(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def address(self, name: str) -> str:
        """The page's address in the file system."""
        return (self.root / name).as_uri()

    @property
    def browser(self) -> Browser:
        """One Chromium, started when first asked for and closed with the site."""
        if self._browser is None:
            from playwright.sync_api import sync_playwright

            self._playwright = sync_playwright().start()
            self._browser = self._playwright.chromium.launch(executable_path=self._path, args=list(FLAGS))
        return self._browser

    def begin(self) -> None:
        """
        Raises:
            ValueError: this is no built book, or it is finished already.
        """
        if not (self.root / "index.html").is_file():
            raise ValueError(f"{self.root}: no index.html there; name the folder of a built book")
        if (self.root / MARK).exists():
            raise ValueError(f"{self.root}: finished already; build the book again first")

    def end(self) -> None:
        self.write(MARK, "")

    def __enter__(self) -> Site:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._browser is not None:
            self._browser.close()
            self._playwright.stop()
            self._browser = self._playwright = None
