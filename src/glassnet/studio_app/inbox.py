"""The messages that wait for the thread of a session."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any


class Inbox:
    """Messages in the order in which they came, from any thread.

    Unlike a queue, it can be asked what waits, so that long training ends for some messages only.
    """

    def __init__(self) -> None:
        self._messages: deque[Any] = deque()
        self._change = threading.Condition()
        self._is_closed = False

    @property
    def is_closed(self) -> bool:
        """Whether no message is taken any more."""
        return self._is_closed

    def put(self, message: Any) -> None:
        """Add a message."""
        with self._change:
            self._messages.append(message)
            self._change.notify()

    def take(self, *, waits: bool) -> Any:
        """Return the next message, or None if there is none or the inbox is closed.

        Args:
            waits: whether to wait for a message if there is none.
        """
        with self._change:
            self._change.wait_for(lambda: self._messages or self._is_closed or not waits)
            return self._messages.popleft() if self._messages and not self._is_closed else None

    def has(self, is_meant: Callable[[Any], bool]) -> bool:
        """Return whether a message waits for which a function returns True."""
        with self._change:
            return any(map(is_meant, self._messages))

    def close(self) -> None:
        """Let nobody wait any more. Messages that were not taken are dropped."""
        with self._change:
            self._is_closed = True
            self._change.notify()
