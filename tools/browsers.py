"""Find a browser for the tests, or install one; ``chromium.py`` and ``firefox.py`` say which.

Order: the variable that names one; one on the PATH; one that Playwright has downloaded; Playwright's download; the
distribution's package. Exits with status 1 and says what was tried when none can be had, so that no test is skipped in
silence.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Wanted:
    """A browser, by its name for Playwright.

    Attributes:
        name: ``"chromium"`` or ``"firefox"``; in capitals, the environment variable that may name one.
        commands: what it is called on a PATH.
        package: of the distribution.
    """

    name: str
    commands: tuple[str, ...]
    package: str

    def find(self) -> str | None:
        """Path of one that is already here, or None."""
        variable = self.name.upper()
        if named := os.environ.get(variable):
            if not shutil.which(named):
                raise SystemExit(f"{self.name}: ${variable} is {named!r}, which cannot be run")
            return named
        for command in self.commands:
            if path := shutil.which(command):
                return path
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            path = getattr(playwright, self.name).executable_path
        return path if Path(path).exists() else None

    def install(self) -> list[str]:
        """Try each way to install it until one succeeds; the ways that failed, with their reasons."""
        playwright = [sys.executable, "-m", "playwright", "install"]
        attempts = [[*playwright, "--with-deps", self.name], [*playwright, self.name]]
        if shutil.which("apt-get"):
            sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
            attempts += [[*sudo, "apt-get", "update"], [*sudo, "apt-get", "install", "-y", self.package]]
        failed = []
        for command in attempts:
            print(f"{self.name}: trying", " ".join(command), file=sys.stderr)
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=600)
                error = (done.stderr.strip().splitlines() or ["no message"])[-1] if done.returncode else ""
            except (OSError, subprocess.TimeoutExpired) as reason:
                error = str(reason)
            if error:
                failed.append(f"{' '.join(command)}: {error}")
            if self.find():
                break
        return failed

    def main(self) -> int:
        """Print its path."""
        path = self.find()
        if not path:
            failed = self.install()
            path = self.find()
            if not path:
                why = (f"{self.name}: none found and none could be installed; tried:", *failed)
                print(*why, sep="\n  ", file=sys.stderr)
                return 1
        print(path)
        return 0
