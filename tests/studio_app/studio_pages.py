"""Pages of the studio in Chromium, and the sessions behind them."""

import base64
import json
import time
from urllib.parse import urlsplit

LOCAL_SCHEMES = ("data", "blob", "about")

SMALL = {"data": {"n": 60}, "network": {"layers": [{"units": 3}]}}
"""Settings of a small network and few points."""


class Studio:
    """Pages of the studio, each with a session of its own.

    Attributes:
        server: the `LiveServer`.
        problems: errors of the pages, and requests that left this machine.
    """

    def __init__(self, server, chromium, stack):
        self.server, self.chromium, self.stack = server, chromium, stack
        self.problems, self.counts = [], {}

    def open(
        self, settings=None, *, fragment="", width=1280, height=900, init_script="", **options
    ):
        """Return a page that shows its first picture.

        Args:
            settings: of the link, as a dict; None for the start state.
            fragment: of the address, if no settings are passed.
            width, height: of the window.
            init_script: JavaScript that runs before the page's own.
            options: of Playwright's context, such as color_scheme="dark".
        """
        size = {"width": width, "height": height}
        context = self.chromium.new_context(viewport=size, **options)
        self.stack.callback(context.close)
        name, _, value = self.server.cookie.partition("=")
        address = f"http://{self.server.host}/"
        context.add_cookies([{"name": name, "value": value, "url": address}])
        context.on("request", self._check_request)
        context.add_init_script(init_script)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", self._check_message)
        page.on("websocket", lambda socket: self._count_messages(page, socket))
        page.goto(address + (link_of(settings) if settings else fragment))
        page.wait_for_selector('[data-testid="network"] canvas')
        self.settle(page)
        return page

    def session(self, page):
        """Return the `Session` behind a page."""
        key = page.evaluate("sessionStorage.getItem('glassnet-session')")
        return self.server.tabs.by_id[key].session

    def experiment(self, page):
        """Return what the session of a page computes with."""
        return self.session(page).experiment

    def settle(self, page):
        """Wait until the session has answered every message of a page, and the page shows it."""
        session, count = self.session(page), self.counts[page]

        def is_settled():
            page.evaluate("new Promise(requestAnimationFrame)")
            return (
                session.n_handled == count["sent"]
                and session.n_answers == count["received"]
                and session._drawn == session._n_pictures
            )

        wait_until(is_settled)
        page.evaluate("new Promise(requestAnimationFrame)")

    def act(self, page, action):
        """Do what makes a page send a message, now or later, and wait for the answer."""
        n_sent = self.counts[page]["sent"]
        action()

        def is_sent():
            page.evaluate("new Promise(requestAnimationFrame)")  # Playwright counts meanwhile
            return self.counts[page]["sent"] > n_sent

        wait_until(is_sent)
        self.settle(page)

    def _count_messages(self, page, socket):
        """Count the messages of a page and the answers, but not acknowledgements and welcome."""
        count = self.counts[page] = {"sent": 0, "received": 0}

        def add(key, data, besides):
            count[key] += not (isinstance(data, str) and f'"type":"{besides}"' in data)

        socket.on("framesent", lambda data: add("sent", data, "ack"))
        socket.on("framereceived", lambda data: add("received", data, "welcome"))

    def _check_request(self, request):
        parts = urlsplit(request.url)
        if parts.scheme not in LOCAL_SCHEMES and parts.netloc != self.server.host:
            self.problems.append(f"request: {request.url}")

    def _check_message(self, text):
        if text.type in ("error", "warning"):
            self.problems.append(f"console: {text.text}")


def link_of(settings):
    """Return the fragment of a link to settings."""
    text = json.dumps(settings).encode()
    return "#" + base64.urlsafe_b64encode(text).decode().rstrip("=")


def click(studio, page, *testids):
    """Click buttons one after the other."""
    for testid in testids:
        page.get_by_test_id(testid).click()
        studio.settle(page)


def weights(studio, page):
    """Return all weights of the run of a page."""
    studio.settle(page)
    experiment = studio.experiment(page)
    return experiment.scene.draw_weights(experiment.run.state.train_state).copy()


def wait_until(condition, seconds=30):
    """Wait until a function returns something true, and return that."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "the studio did not answer in time"
        time.sleep(0.02)
    return value


def count_messages(make_session):
    """Return `make_session` whose sessions count the messages that they handled and sent."""
    from glassnet.studio_app.messages import Acknowledge

    def make_counting_session(send):
        def count_answer(data):
            session.n_answers += 1
            send(data)

        def count_message(message):
            try:
                handle(message)
            finally:
                session.n_handled += not isinstance(message, Acknowledge)

        session = make_session(count_answer)
        session.n_handled = session.n_answers = 0
        handle, session._handle = session._handle, count_message
        return session

    return make_counting_session
