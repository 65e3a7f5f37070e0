"""Find a Firefox for the browser tests, or install one: ``python tools/firefox.py`` prints its path."""

from __future__ import annotations

from browsers import Wanted

FIREFOX = Wanted("firefox", ("firefox", "firefox-esr"), "firefox-esr")
find = FIREFOX.find

if __name__ == "__main__":
    raise SystemExit(FIREFOX.main())
