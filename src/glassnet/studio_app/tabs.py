"""Tabs of the studio: sessions by id, and the queue between a session and the page that shows it.

A page that is closed, or whose connection is lost, pauses its session. A page that connects again
with the id goes on with it; after `ABSENCE_SECONDS` the session is closed.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

ABSENCE_SECONDS = 600.0
"""How long a session without a page is stored."""

MAX_TABS = 20
"""Maximum number of sessions. The one without a page for the longest time makes room."""

MAX_QUEUE_BYTES = 64 * 2**20
"""A session waits while more than this is queued for its page."""

ID_BYTES = 16


class Session(Protocol):
    """What the server needs of a session. All methods return at once, from any thread."""

    def post(self, data: str | bytes) -> None:
        """Take a message of the page: a text, or a frame."""

    def pause(self) -> None:
        """Stop training, since nobody looks."""

    def resume(self) -> None:
        """Send everything again, since a page has connected that may have lost messages."""

    def close(self) -> None:
        """End the session's thread."""


MakeSession = Callable[[Callable[[str | bytes], None]], Session]
"""Makes a session from the function with which it sends texts and frames."""


class Tab:
    """A session and its queue of messages to the page.

    Args:
        make_session: makes the session; may take some time.

    Attributes:
        id: the secret with which the page connects again.
        session: the session.
        absent_since: when the page was lost, in seconds of `time.monotonic`; None if it is here.
    """

    def __init__(self, make_session: MakeSession) -> None:
        self.id = secrets.token_urlsafe(ID_BYTES)
        self.absent_since: float | None = None
        self._queue: deque[str | bytes] = deque()
        self._queued_bytes = 0
        self._change = threading.Condition()
        self._wake: Callable[[], object] | None = None
        self._is_closed = False
        self.session = make_session(self.send)

    def send(self, data: str | bytes) -> None:
        """Queue a message to the page; wait while a page that is here reads too slowly.

        Without a page, the oldest messages are dropped if there are too many.
        """
        with self._change:
            while self._queued_bytes > MAX_QUEUE_BYTES and not self._is_closed:
                if self._wake is None:
                    self._pop()
                else:
                    self._change.wait()
            self._append(data)

    def send_at_once(self, data: str) -> None:
        """Queue a message of the server itself, without waiting: a full queue drops it."""
        with self._change:
            if self._queued_bytes <= MAX_QUEUE_BYTES:
                self._append(data)

    def attach(self, wake: Callable[[], object]) -> None:
        """Deliver to another page from now on.

        Args:
            wake: called, from any thread, if there are messages to `take`.
        """
        with self._change:
            replaced = self._wake
            self._wake, self.absent_since = wake, None
            self._change.notify_all()
            wake()
            if replaced:
                replaced()

    def detach(self, wake: Callable[[], object]) -> bool:
        """Note that a page is lost; return whether no other has replaced it."""
        with self._change:
            is_last = self._wake is wake
            if is_last:
                self._wake, self.absent_since = None, time.monotonic()
                self._change.notify_all()
            return is_last

    def take(self, wake: Callable[[], object]) -> str | bytes | None:
        """Return the next message for a page; None if there is none, or another replaced it."""
        with self._change:
            return self._pop() if self._wake is wake and self._queue else None

    def is_shown_by(self, wake: Callable[[], object]) -> bool:
        """Return whether a page is the one that shows this session."""
        return self._wake is wake

    def close(self) -> None:
        """Close the session, which no page can reach again.

        From then on it wakes no page either: the event loop may end.
        """
        with self._change:
            self._is_closed, self._wake = True, None
            self._change.notify_all()
        self.session.close()

    def _append(self, data: str | bytes) -> None:
        self._queue.append(data)
        self._queued_bytes += len(data)
        if self._wake:
            self._wake()

    def _pop(self) -> str | bytes:
        data = self._queue.popleft()
        self._queued_bytes -= len(data)
        self._change.notify_all()
        return data


class Tabs:
    """The tabs of a server.

    Args:
        make_session: makes the session of a tab.
        absence_seconds: how long a session without a page is stored.
        max_tabs: maximum number of sessions.
    """

    def __init__(
        self,
        make_session: MakeSession,
        absence_seconds: float = ABSENCE_SECONDS,
        max_tabs: int = MAX_TABS,
    ) -> None:
        self.make_session = make_session
        self.absence_seconds, self.max_tabs = absence_seconds, max_tabs
        self.by_id: dict[str, Tab] = {}
        self._opening = 0

    async def open(self, tab_id: str) -> Tab | None:
        """Return the tab of an id, or a new one; None if there are too many pages."""
        self.close_absent()
        if tab_id in self.by_id:
            return self.by_id[tab_id]
        if len(self.by_id) + self._opening >= self.max_tabs and not self._drop_oldest():
            return None
        self._opening += 1
        try:
            tab = await asyncio.to_thread(Tab, self.make_session)
        finally:
            self._opening -= 1
        self.by_id[tab.id] = tab
        return tab

    def close_absent(self) -> None:
        """Close the sessions that were without a page for too long."""
        oldest = time.monotonic() - self.absence_seconds
        for tab in list(self.by_id.values()):
            if tab.absent_since is not None and tab.absent_since < oldest:
                self._drop(tab)

    def close_all(self) -> None:
        """Close all sessions."""
        for tab in list(self.by_id.values()):
            self._drop(tab)

    def _drop_oldest(self) -> bool:
        """Close the session that was without a page for the longest time, if there is one."""
        absent = {tab.absent_since: tab for tab in self.by_id.values() if tab.absent_since}
        if absent:
            self._drop(absent[min(absent)])
        return bool(absent)

    def _drop(self, tab: Tab) -> None:
        del self.by_id[tab.id]
        tab.close()
