"""A stock Firefox, headless, and its tabs: open, ask, point, press, look."""

from __future__ import annotations

import base64
import json
import queue
import re
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import IO, Any, Self

from .bidi import Connection

# It asks nobody anything of its own accord, and looks the same on every machine.
SETTINGS = {
    "app.update.disabledForTesting": True,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "layout.css.prefers-color-scheme.content-override": 1,  # light
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.cosmeticAnimations.enabled": False,
    "ui.prefersReducedMotion": 1,
}
EVENTS = ("log.entryAdded", "network.beforeRequestSent", "network.fetchError", "network.responseCompleted")

# What a page's policy refuses is told to the page, not to the log.
REFUSED = """() => addEventListener("securitypolicyviolation", (event) => {
  console.error(`refused by the policy: ${event.violatedDirective} ${event.blockedURI}`);
})"""

KEYS = {
    "Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c",
    "ArrowLeft": "\ue012", "ArrowUp": "\ue013", "ArrowRight": "\ue014", "ArrowDown": "\ue015",
}


class Firefox:
    """A Firefox with a fresh profile; closes with the ``with`` block.

    Args:
        path: of the program.
        settings: preferences beyond :data:`SETTINGS`.
    """

    def __init__(self, path: str, settings: dict[str, Any] | None = None) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True)
        lines = (f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in {**SETTINGS, **(settings or {})}.items())
        Path(self._profile.name, "user.js").write_text("".join(lines), encoding="utf-8")
        self._process = subprocess.Popen(
            [path, "--headless", "--no-remote", "--remote-debugging-port=0", "--profile", self._profile.name],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.tabs: dict[str, Tab] = {}
        try:
            self._connection = Connection(f"{self._address(120)}/session", self._event)
            self.call("session.new", capabilities={})
            self.call("session.subscribe", events=list(EVENTS))
            self.call("script.addPreloadScript", functionDeclaration=REFUSED)
        except BaseException:
            self._end()
            raise

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._connection.call(method, **parameters)

    def tab(self, width: int = 1300, height: int = 900) -> Tab:
        """A new tab whose page is that large, in CSS pixels."""
        tab = Tab(self, self.call("browsingContext.create", type="tab")["context"])
        self.tabs[tab.context] = tab
        tab.resize(width, height)
        return tab

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._end()

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._profile.cleanup()

    def _address(self, seconds: float) -> str:
        """Where it listens, from what it says as it starts."""
        assert self._process.stderr is not None
        said: queue.Queue[str | None] = queue.Queue()
        # Read on to the end: a pipe that nobody empties would stop it.
        threading.Thread(target=_pour, args=(self._process.stderr, said), daemon=True).start()
        heard = []
        while (line := said.get(timeout=seconds)) is not None:
            heard.append(line)
            if found := re.search(r"BiDi listening on (ws://\S+)", line):
                return found[1]
        raise RuntimeError("Firefox did not start: " + "".join(heard[-5:]))

    def _event(self, name: str, said: dict[str, Any]) -> None:
        context = said.get("context") or said.get("source", {}).get("context")
        if context in self.tabs:
            self.tabs[context].hear(name, said)


def _pour(stream: IO[str], into: queue.Queue[str | None]) -> None:
    for line in stream:
        into.put(line)
    into.put(None)


class Tab:
    """One tab: what it asked for, what went wrong in it, and hands to use it with."""

    def __init__(self, firefox: Firefox, context: str) -> None:
        self.firefox = firefox
        self.context = context
        self.requests: list[str] = []
        self.trouble: list[str] = []

    def hear(self, event: str, said: dict[str, Any]) -> None:
        url = said.get("request", {}).get("url", "")
        if event == "network.beforeRequestSent":
            self.requests.append(url)
        elif event == "network.fetchError":
            self.trouble.append(f"failed: {url} {said['errorText']}")
        elif event == "network.responseCompleted" and said["response"]["status"] >= 400:
            self.trouble.append(f"{said['response']['status']}: {url}")
        elif event == "log.entryAdded" and said["level"] in {"error", "warn"}:
            self.trouble.append(f"{said['type']} {said['level']}: {said.get('text')}")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self.firefox.call(method, context=self.context, **parameters)

    def resize(self, width: int, height: int = 900) -> None:
        self.call("browsingContext.setViewport", viewport={"width": width, "height": height})

    def goto(self, address: str) -> None:
        """Open a page and wait until it has loaded."""
        self.call("browsingContext.navigate", url=address, wait="complete")

    def reload(self) -> None:
        self.call("browsingContext.reload", wait="complete")

    def evaluate(self, function: str, argument: Any = None) -> Any:
        """What a JavaScript function of one argument returns or promises; both JSON."""
        answer = self.firefox.call(
            "script.evaluate",
            expression=f"(async () => JSON.stringify((await ({function})({json.dumps(argument)})) ?? null))()",
            target={"context": self.context},
            awaitPromise=True,
            userActivation=True,
        )
        if answer["type"] == "exception":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"]["value"])

    def point(self, *moves: dict[str, Any], pointer: str = "mouse") -> None:
        """Move a pointer and press its button, as ``input.performActions`` has it."""
        source = {"type": "pointer", "id": pointer, "parameters": {"pointerType": pointer}, "actions": list(moves)}
        self.call("input.performActions", actions=[source])

    def hover(self, x: float, y: float) -> None:
        self.point(_move(x, y))

    def click(self, x: float, y: float, pointer: str = "mouse") -> None:
        self.point(_move(x, y), DOWN, UP, pointer=pointer)

    def drag(self, x: float, y: float, dx: float, dy: float, steps: int = 6, pointer: str = "mouse") -> None:
        """Press at (x, y), move by (dx, dy), let go."""
        way = [_move(x + dx * k / steps, y + dy * k / steps) for k in range(1, steps + 1)]
        self.point(_move(x, y), DOWN, *way, UP, pointer=pointer)

    def press(self, *keys: str) -> None:
        """Press keys, one after another: by name, or a character."""
        strokes = [
            {"type": kind, "value": KEYS.get(key, key)} for key in keys for kind in ("keyDown", "keyUp")
        ]
        self.call("input.performActions", actions=[{"type": "key", "id": "keys", "actions": strokes}])

    def screenshot(self, path: str | Path, *, whole: bool = False) -> None:
        """A PNG of the window, or of the whole page."""
        answer = self.call("browsingContext.captureScreenshot", origin="document" if whole else "viewport")
        Path(path).write_bytes(base64.b64decode(answer["data"]))

    def close(self) -> None:
        self.firefox.tabs.pop(self.context, None)
        self.call("browsingContext.close")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


DOWN, UP = {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}


def _move(x: float, y: float) -> dict[str, Any]:
    return {"type": "pointerMove", "x": round(x), "y": round(y), "duration": 15}
