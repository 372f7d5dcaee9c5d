"""The web server in front of the app of the studio."""

from __future__ import annotations

from types import FrameType
from typing import Any

import uvicorn

from glassnet.studio_app.server import MAX_UPLOAD_BYTES


class WebServer(uvicorn.Server):
    """A server that Ctrl-C ends in the same way if it is pressed again.

    Without this, the second Ctrl-C stops the end of the sessions, which uvicorn logs as an error.
    """

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End the server: a signal has come."""
        if not self.should_exit:
            super().handle_exit(sig, frame)


def make_web_server(app: Any) -> WebServer:
    """Return the web server of an app, which writes no log but errors."""
    config = uvicorn.Config(
        app,
        http="h11",
        ws="websockets-sansio",
        ws_max_size=MAX_UPLOAD_BYTES + 2**20,
        ws_per_message_deflate=False,
        ws_ping_timeout=60,
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )
    return WebServer(config)
