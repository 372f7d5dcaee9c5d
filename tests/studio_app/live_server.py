"""A server of the studio on a port of this machine, in a thread, and its client."""

import contextlib
import json
import socket
import threading

from asgi_calls import EchoSession
from websockets.sync.client import connect

from glassnet.studio_app.guard import Guard
from glassnet.studio_app.launch import bind, list_hosts
from glassnet.studio_app.server import StudioServer
from glassnet.studio_app.tabs import Tabs
from glassnet.studio_app.web_server import make_web_server


class LiveServer:
    """A server and its secrets.

    Attributes:
        port: its port.
        guard: its guard.
        tabs: its sessions.
    """

    def __init__(self, make_session=EchoSession, welcome=None, **options):
        self.listener = bind("127.0.0.1", None)
        self.port = self.listener.getsockname()[1]
        self.tabs = Tabs(make_session, **options)
        app = StudioServer(self.tabs, welcome or {"catalog": {}}).make_app()
        self.guard = Guard(app, list_hosts("127.0.0.1", self.port), self.port)
        self.web_server = make_web_server(self.guard)

    @property
    def host(self):
        return f"127.0.0.1:{self.port}"

    @property
    def cookie(self):
        return f"{self.guard.cookie_name.decode()}={self.guard._cookie.decode()}"

    def connect(self, session="", *, path="/socket", **options):
        """Return a client's socket, connected as the page does it."""
        headers = {"Cookie": self.cookie}
        options = {"origin": f"http://{self.host}", "additional_headers": headers} | options
        url = f"ws://{self.host}{path}?session={session}"
        return connect(url, max_size=None, compression=None, proxy=None, **options)

    def send_raw(self, data):
        """Return what the server answers to bytes, until it closes or is silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as client:
            client.sendall(data)
            parts = []
            with contextlib.suppress(TimeoutError, ConnectionError):
                client.settimeout(20 if b"Connection: close" in data else 3)
                while part := client.recv(65536):
                    parts.append(part)
                    if b"Connection: close" not in data:
                        client.settimeout(0.15)
            return b"".join(parts)

    def is_alive(self):
        """Return whether a good client is answered."""
        with self.connect() as client:
            assert receive(client)["type"] == "welcome"
            client.send("still there?")
            return client.recv(timeout=20) == "still there?"


@contextlib.contextmanager
def run_live_server(make_session=EchoSession, **options):
    """Run a server in a thread until the block ends."""
    server = LiveServer(make_session, **options)
    run = server.web_server.run
    thread = threading.Thread(target=run, kwargs={"sockets": [server.listener]}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.web_server.should_exit = True
        thread.join(timeout=10)
        server.listener.close()
        assert not thread.is_alive()


def receive(client):
    """Return the next message to a client, which is JSON."""
    return json.loads(client.recv(timeout=20))
