"""The web server of the studio: its page, the files of the page, and one socket for each tab."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from glassnet._version import __version__
from glassnet.formatting import format_number
from glassnet.studio_app.tabs import Tab, Tabs

STATIC = Path(__file__).parent / "static"

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
}
"""Types of the files that the server sends, by suffix. It sends no others."""

MAX_TEXT_BYTES, MAX_UPLOAD_BYTES = 2**20, 32 * 2**20
"""Largest message of the page, and largest file with its header."""

REPLACED, TOO_MANY = 4001, 4002
"""Codes with which a socket is closed: another page shows its session; there are too many pages."""

CLEANING_SECONDS = 30.0


class StudioServer:
    """The routes of the server and the sessions behind them.

    Args:
        tabs: makes and stores the sessions.
        welcome: values of the first message to a page, beside the id of its session.
        static: folder of the page and its files. Only files that are in it now are sent.
    """

    def __init__(self, tabs: Tabs, welcome: Mapping[str, Any], static: Path = STATIC) -> None:
        self.tabs, self.welcome, self.static = tabs, dict(welcome), static
        self.files = {
            path.relative_to(static).as_posix(): path
            for path in sorted(static.rglob("*"))
            if path.is_file() and path.suffix in MEDIA_TYPES
        }

    def make_app(self) -> Starlette:
        """Return the app, which a `Guard` must stand in front of."""
        app = Starlette(
            routes=[
                Route("/", self.send_page),
                Route("/static/{path:path}", self.send_file),
                WebSocketRoute("/socket", self.talk),
            ],
            lifespan=self.run_sessions,
        )
        app.router.redirect_slashes = False
        return app

    @asynccontextmanager
    async def run_sessions(self, app: Starlette) -> AsyncIterator[None]:
        """Close sessions whose pages are gone now and then, and all of them at the end."""
        cleaning = asyncio.create_task(self._clean())
        yield
        cleaning.cancel()
        self.tabs.close_all()

    async def _clean(self) -> None:
        while True:
            await asyncio.sleep(CLEANING_SECONDS)
            self.tabs.close_absent()

    async def send_page(self, request: Request) -> Response:
        """Send the page."""
        return self._respond("index.html")

    async def send_file(self, request: Request) -> Response:
        """Send a file of the page."""
        return self._respond(request.path_params["path"])

    def _respond(self, name: str) -> Response:
        path = self.files.get(name)
        if path is None:
            return Response("The studio has no such file.", 404, media_type="text/plain")
        return Response(path.read_bytes(), media_type=MEDIA_TYPES[path.suffix])

    async def talk(self, socket: WebSocket) -> None:
        """Connect a page and its session until the page is closed."""
        await socket.accept()
        tab_id = socket.query_params.get("session", "")
        tab = await self.tabs.open(tab_id)
        if tab is None:
            text = (
                f"{self.tabs.max_tabs} pages show the studio: close one, and load this page again."
            )
            await socket.send_text(error_text(text))
            await socket.close(TOO_MANY)
            return
        connection = Connection(socket, tab)
        first = {"type": "welcome", "session": tab.id, "version": __version__, **self.welcome}
        await connection.run(msgspec.json.encode(first).decode(), is_resumed=tab.id == tab_id)


class Connection:
    """A socket that shows a tab.

    Args:
        socket: the socket, accepted.
        tab: the tab.
    """

    def __init__(self, socket: WebSocket, tab: Tab) -> None:
        self.socket, self.tab = socket, tab
        self._has_messages = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._wake: Callable[[], object] = self._wake_up  # the same object at every use

    def _wake_up(self) -> None:
        """Let the writer look into the queue; called from the session's thread."""
        self._loop.call_soon_threadsafe(self._has_messages.set)

    async def run(self, first: str, *, is_resumed: bool) -> None:
        """Send and receive until the socket is closed or another one shows the tab."""
        self.tab.attach(self._wake)
        writer = asyncio.create_task(self._write(first))
        try:
            if is_resumed:
                self.tab.session.resume()
            await self._read()
        finally:
            writer.cancel()
            if self.tab.detach(self._wake):
                self.tab.session.pause()

    async def _write(self, first: str) -> None:
        """Send the first message, then what the session queues."""
        try:
            await self.socket.send_text(first)
            while self.tab.is_shown_by(self._wake):
                self._has_messages.clear()
                while (data := self.tab.take(self._wake)) is not None:
                    await self._send(data)
                await self._has_messages.wait()
            text = "Another tab shows this session now. Go on there, or open a new tab."
            await self._send(error_text(text))
            await self.socket.close(REPLACED)
        except (WebSocketDisconnect, RuntimeError):  # the page is gone, or the server closed
            return

    async def _send(self, data: str | bytes) -> None:
        await (
            self.socket.send_text(data) if isinstance(data, str) else self.socket.send_bytes(data)
        )

    async def _read(self) -> None:
        """Pass messages of the page to the session until the socket is closed."""
        while (event := await self.socket.receive())["type"] == "websocket.receive":
            text = event.get("text")
            data: str | bytes = event["bytes"] if text is None else text
            if problem := find_problem(data):
                self.tab.send_at_once(error_text(problem))
            elif self.tab.is_shown_by(self._wake):
                self.tab.session.post(data)
        if event.get("code") == 1009:
            self.tab.send_at_once(error_text(describe_too_large(MAX_UPLOAD_BYTES)))


def find_problem(data: str | bytes) -> str:
    """Return what is wrong with the size of a message of the page, or "".

    Example:
        >>> find_problem('{"type": "play"}')
        ''
    """
    if isinstance(data, str):
        size, limit = len(data.encode("utf-8", "replace")), MAX_TEXT_BYTES
    elif len(data) > MAX_UPLOAD_BYTES:
        size, limit = len(data), MAX_UPLOAD_BYTES
    else:  # the header of a frame is a text
        size, limit = struct.unpack_from("<I", data)[0] if len(data) >= 4 else 0, MAX_TEXT_BYTES
    return describe_too_large(limit) if size > limit else ""


def error_text(problem: str) -> str:
    """Return the message to the page that says what went wrong.

    Example:
        >>> error_text("The message is too large.")
        '{"type":"error","message":"The message is too large."}'
    """
    return msgspec.json.encode({"type": "error", "message": problem}).decode()


def describe_too_large(limit: int) -> str:
    """Return a sentence about a message that is too large.

    Example:
        >>> describe_too_large(2**20)[:70]
        'The page sent a message of more than 1 MiB, the limit of the studio. U'
    """
    return (
        f"The page sent a message of more than {format_number(limit / 2**20)} MiB, the limit of "
        "the studio. Use a smaller file, or pass the data to gn.studio in Python."
    )
