"""Find a Chromium for the browser tests, or install one: ``python tools/chromium.py`` prints its path.

Order: ``$CHROMIUM``; one on the PATH; one that Playwright has downloaded; Playwright's download; the distribution's
package. Exits with status 1 and says what was tried when none can be had, so that no test is skipped in silence.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find() -> str | None:
    """Path of a Chromium that is already here, or None."""
    if named := os.environ.get("CHROMIUM"):
        if not shutil.which(named):
            raise SystemExit(f"chromium: $CHROMIUM is {named!r}, which cannot be run")
        return named
    for name in NAMES:
        if path := shutil.which(name):
            return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install() -> list[str]:
    """Try each way to install Chromium until one succeeds; the ways that failed, with their reasons."""
    attempts = [[sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"],
                [sys.executable, "-m", "playwright", "install", "chromium"]]
    if shutil.which("apt-get"):
        sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
        attempts += [[*sudo, "apt-get", "update"], [*sudo, "apt-get", "install", "-y", "chromium"]]
    failed = []
    for command in attempts:
        print("chromium: trying", " ".join(command), file=sys.stderr)
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=600)
            error = (done.stderr.strip().splitlines() or ["no message"])[-1] if done.returncode else ""
        except (OSError, subprocess.TimeoutExpired) as reason:
            error = str(reason)
        if error:
            failed.append(f"{' '.join(command)}: {error}")
        if find():
            break
    return failed


def main() -> int:
    path = find()
    if not path:
        failed = install()
        path = find()
        if not path:
            print("chromium: none found and none could be installed; tried:", *failed, sep="\n  ", file=sys.stderr)
            return 1
    print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
