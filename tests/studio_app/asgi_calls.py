"""Calls of an ASGI app without a server, with every header in the test's hands."""

import asyncio
import re

from glassnet.studio_app.guard import Guard
from glassnet.studio_app.server import StudioServer
from glassnet.studio_app.tabs import Tabs

PORT = 8000
HOST = f"127.0.0.1:{PORT}"


class EchoSession:
    """A session that sends back what it receives, and records what happens to it."""

    def __init__(self, send):
        self.send, self.events = send, []

    def post(self, data):
        self.send(data)

    def pause(self):
        self.events.append("pause")

    def resume(self):
        self.events.append("resume")

    def close(self):
        self.events.append("close")


def make_server(**options):
    """Return a server of echoing sessions."""
    return StudioServer(Tabs(EchoSession, **options), {"catalog": {}})


def make_guard(server=None):
    """Return a guard in front of a server of echoing sessions."""
    return Guard((server or make_server()).make_app(), [HOST, f"localhost:{PORT}"], PORT)


def http_scope(path="/", method="GET", headers=(), host=HOST, query=b""):
    """Return the scope of a request."""
    pairs = [(b"host", host.encode())] if host is not None else []
    return {
        "type": "http",
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "headers": pairs + [(key.encode(), value.encode("latin-1")) for key, value in headers],
        "server": ("127.0.0.1", PORT),
        "client": ("127.0.0.1", 50000),
        "extensions": {},
    }


def socket_scope(headers=(), host=HOST, query=b"session="):
    """Return the scope of the handshake of a WebSocket."""
    scope = http_scope("/socket", headers=headers, host=host, query=query)
    del scope["method"]
    return scope | {"type": "websocket", "scheme": "ws", "subprotocols": []}


class Response:
    """What an app answered."""

    def __init__(self, events):
        start = next(event for event in events if event["type"] == "http.response.start")
        self.status = start["status"]
        self.headers = [(k.decode(), v.decode()) for k, v in start["headers"]]
        self.body = b"".join(event.get("body", b"") for event in events)

    def header(self, name):
        """Return the only value of a header, or None."""
        values = [value for key, value in self.headers if key.lower() == name]
        assert len(values) <= 1, self.headers
        return values[0] if values else None


async def exchange(app, scope, received=()):
    """Run an app on a scope and return what it sent."""
    incoming, sent = list(received), []

    async def receive():
        return incoming.pop(0) if incoming else {"type": "http.disconnect"}

    async def send(event):
        sent.append(event)

    await app(scope, receive, send)
    return sent


def get(app, path="/", method="GET", headers=(), host=HOST, query=b""):
    """Return the response of an app to a request."""
    scope = http_scope(path, method, headers, host, query)
    received = [{"type": "http.request", "body": b"", "more_body": False}]
    return Response(asyncio.run(exchange(app, scope, received)))


def shake_hands(app, headers=(), host=HOST, query=b"session="):
    """Return what an app sent in answer to the handshake of a WebSocket that ends at once."""
    received = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1001}]
    return asyncio.run(exchange(app, socket_scope(headers, host, query), received))


def log_in(guard):
    """Use the token of a guard and return the header with its cookie."""
    response = get(guard, query=f"token={guard.token}".encode())
    assert (response.status, response.header("location")) == (303, "/")
    return ("cookie", re.match(r"[^;]+", response.header("set-cookie"))[0])
