"""WebDriver BiDi over one WebSocket, for code that is not asynchronous: commands and their answers, and events.

https://w3c.github.io/webdriver-bidi/. Playwright drives a Firefox of its own only; this drives the one readers have.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from tornado.websocket import WebSocketClientConnection, websocket_connect

Event = Callable[[str, dict[str, Any]], None]


class Connection:
    """A session of WebDriver BiDi.

    Args:
        address: of the session, ``ws://127.0.0.1:PORT/session``.
        event: called with the name and parameters of each event, in a thread of its own.
    """

    def __init__(self, address: str, event: Event) -> None:
        self._event = event
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Future[dict[str, Any]]] = {}
        # Playwright keeps this thread's own loop.
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._socket = self._run(self._connect(address))

    def call(self, method: str, seconds: float = 60, **parameters: Any) -> dict[str, Any]:
        """What a command answers.

        Raises:
            RuntimeError: the browser refuses it.
            TimeoutError: no answer.
        """
        number = next(self._numbers)
        answer: Future[dict[str, Any]] = Future()
        self._waiting[number] = answer
        self._run(self._send(json.dumps({"id": number, "method": method, "params": parameters})))
        reply = answer.result(seconds)
        if reply["type"] == "error":
            raise RuntimeError(f"{method}: {reply['error']}: {reply['message']}")
        return reply["result"]

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._socket.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _connect(self, address: str) -> WebSocketClientConnection:
        # Screenshots are messages too.
        return await websocket_connect(address, on_message_callback=self._hear, max_message_size=200_000_000)

    async def _send(self, message: str) -> None:
        await self._socket.write_message(message)

    def _hear(self, message: str | bytes | None) -> None:
        if message is None:
            for answer in self._waiting.values():
                answer.set_exception(RuntimeError("the browser has gone"))
            self._waiting.clear()
            return
        told = json.loads(message)
        if told["type"] == "event":
            self._event(told["method"], told["params"])
        elif (answer := self._waiting.pop(told["id"], None)) is not None:
            answer.set_result(told)
