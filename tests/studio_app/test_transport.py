"""What goes between page and session: frames, lost connections and a second tab."""

import base64

import numpy as np
from studio_pages import wait_until

from glassnet.studio_app.frames import pack_frame, split_frame

KEEP_SOCKETS = """
window.sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(...args) {
    super(...args);
    sockets.push(this);
  }
};
"""


def test_the_page_reads_frames(studio):
    """Oracle: the arrays that were packed, of every type and of odd lengths."""
    page = studio.open()
    arrays = {
        "a": np.array([[1.5, -2.5, np.inf]], np.float32),
        "b": np.array([1e300, -1e-300], np.float64),
        "c": np.array([[-(2**31)], [7]], np.int32),
        "d": np.arange(5, dtype=np.uint8),
        "e": np.zeros((0, 3), np.float32),
    }
    frame = base64.b64encode(pack_frame({"type": "test", "text": "ü"}, arrays)).decode()
    header, read = page.evaluate(
        """async (text) => {
          const { decodeFrame } = await import("/static/app/frames.mjs");
          const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
          const { header, arrays } = decodeFrame(bytes.buffer);
          const list = (array) => [array.constructor.name, array.shape, Array.from(array)];
          return [header, Object.fromEntries(Object.entries(arrays).map(([k, v]) => [k, list(v)]))];
        }""",
        frame,
    )
    assert header == {"type": "test", "text": "ü"}
    names = {"float32": "Float32Array", "float64": "Float64Array"}
    names |= {"int32": "Int32Array", "uint8": "Uint8Array"}
    for name, array in arrays.items():
        kind, shape, values = read[name]
        assert (kind, shape) == (names[array.dtype.name], list(array.shape))
        assert values == array.ravel().tolist()


def test_the_session_reads_frames_of_the_page(studio):
    """Oracle: the bytes that were written."""
    page = studio.open()
    frame = page.evaluate(
        """async () => {
          const { encodeFrame } = await import("/static/app/frames.mjs");
          return Array.from(encodeFrame({ type: "upload", name: "ä.csv" }, new Uint8Array([1, 2])));
        }"""
    )
    header, body = split_frame(bytes(frame))
    assert header.decode() == '{"type":"upload","name":"ä.csv"}'
    assert body == b"\x01\x02"


def test_a_lost_connection_goes_on_with_its_session(studio):
    """Oracle: the session's own step and weights; the page shows them again."""
    page = studio.open({"steps": 3}, init_script=KEEP_SOCKETS)
    session = studio.session(page)
    page.get_by_test_id("neuron-dense_1-1").click()
    page.get_by_test_id("neuron-z").wait_for()
    page.evaluate("sockets[0].close()")
    wait_until(lambda: page.evaluate("sockets.length === 2 && sockets[1].readyState === 1"))
    page.get_by_test_id("step").click()
    wait_until(lambda: session.experiment.run.step == 4)
    wait_until(lambda: page.get_by_test_id("position_step").inner_text() == "4")
    assert studio.session(page) is session
    assert page.get_by_test_id("neuron-dense_1-1").get_attribute("aria-pressed") == "true"


def test_a_page_that_is_loaded_again_goes_on_with_its_session(studio):
    """Oracle: the session's step, which no link stores yet."""
    page = studio.open()
    session = studio.session(page)
    page.get_by_test_id("step").click()
    studio.settle(page)
    page.reload()
    page.wait_for_selector('[data-testid="network"] canvas')
    assert studio.session(page) is session
    wait_until(lambda: page.get_by_test_id("position_step").inner_text() == "1")


def test_two_tabs_are_two_sessions(studio):
    """Oracle: the steps of both sessions."""
    first, second = studio.open(), studio.open()
    first.get_by_test_id("step").click()
    studio.settle(first)
    steps = [studio.experiment(page).run.step for page in (first, second)]
    assert steps == [1, 0]
