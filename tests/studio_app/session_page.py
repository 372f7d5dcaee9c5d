"""A page without a browser: it reads what a session sends and answers as the real page does."""

import json
import struct
import threading
import time

import numpy as np

from glassnet.studio_app.session import Session, StudioStart


def read(data):
    """Return (header, arrays) of a text or a frame."""
    if isinstance(data, str):
        return json.loads(data), {}
    length = struct.unpack_from("<I", data)[0]
    header, start = json.loads(data[4 : 4 + length]), -(-(4 + length) // 8) * 8
    arrays = {
        each["name"]: np.frombuffer(
            data, each["dtype"], int(np.prod(each["shape"])), start + each["offset"]
        ).reshape(each["shape"])
        for each in header.pop("arrays")
    }
    return header, arrays


class Page:
    """A session and everything that it has sent.

    Args:
        start: what the session begins with; None for a studio that does not play.
        acknowledges: whether pictures and positions are acknowledged at once.
        make_session: makes the session, instead of `start`.
    """

    def __init__(self, start=None, *, acknowledges=True, make_session=None):
        self.messages, self.acknowledges = [], acknowledges
        self.expected_errors = []
        self._arrived = threading.Condition()
        self.session = None
        if make_session is None:
            self.session = Session(start or StudioStart(is_playing=False), self._receive)
        else:
            self.session = make_session(self._receive)

    def _receive(self, data):
        header, arrays = read(data)
        with self._arrived:
            self.messages.append((header, arrays))
            self._arrived.notify_all()
        if header["type"] in ("picture", "position") and self.acknowledges:
            while self.session is None:
                time.sleep(0.01)
            self.session.post(json.dumps({"type": "ack", "picture": header["picture"]}))

    def post(self, kind, /, **fields):
        """Send a message."""
        self.session.post(json.dumps({"type": kind, **fields}))

    def ask(self, kind, answer="picture", /, **fields):
        """Send a message and return (header, arrays) of the first answer of a kind after it."""
        n = len(self.messages)
        self.post(kind, **fields)
        return self.wait(answer, n)

    def wait(self, kind, start=0, timeout=60):
        """Return (header, arrays) of the first message of a kind from an index on."""
        with self._arrived:
            found = self._arrived.wait_for(lambda: self._find(kind, start), timeout)
        assert found, [header for header, _ in self.messages[start:]]
        return found

    def _find(self, kind, start):
        return next((each for each in self.messages[start:] if each[0]["type"] == kind), None)

    def last(self, kind):
        """Return (header, arrays) of the last message of a kind."""
        return next(each for each in reversed(self.messages) if each[0]["type"] == kind)

    def errors(self):
        """Return the errors that the session has sent."""
        return [header for header, _ in self.messages if header["type"] == "error"]

    def close(self):
        """End the session."""
        self.session.close()
