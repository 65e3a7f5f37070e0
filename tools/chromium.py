"""Find a Chromium for the browser tests, or install one: ``python tools/chromium.py`` prints its path."""

from __future__ import annotations

from browsers import Wanted

CHROMIUM = Wanted(
    "chromium", ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"), "chromium"
)
find = CHROMIUM.find

if __name__ == "__main__":
    raise SystemExit(CHROMIUM.main())
