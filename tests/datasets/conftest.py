"""Fixtures for download tests: a local server and an empty data folder."""

import http.server
import logging
import threading
from functools import partial

import pytest


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Return a folder that a local server serves, and its address."""
    folder = tmp_path / "served"
    folder.mkdir()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    logging.getLogger("pooch").setLevel(logging.WARNING)
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Quiet, directory=folder)
    ) as service:
        threading.Thread(
            target=service.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        yield folder, f"http://127.0.0.1:{service.server_port}/"
        service.shutdown()


@pytest.fixture
def home(tmp_path, monkeypatch):
    folder = tmp_path / "home"
    monkeypatch.setenv("GLASSNET_DATA_HOME", str(folder))
    return folder
