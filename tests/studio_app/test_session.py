"""What a session sends, against the library itself.

Oracles: `fit`, `evaluate`, `predict` and `trace` of a model that the test builds (6, 5); counting
in NumPy (2).
"""

import json
import queue
import struct
import subprocess
import sys
import threading
import time

import msgspec
import numpy as np
import pytest
from session_page import Page
from studio_pages import wait_until

import glassnet as gn
from glassnet.errors import DataError
from glassnet.studio_app import session as session_module
from glassnet.studio_app.data_sources import make_data
from glassnet.studio_app.messages import read_message
from glassnet.studio_app.networks import build_model
from glassnet.studio_app.session import Session, StudioStart
from glassnet.studio_app.settings import (
    DataSettings,
    LayerSettings,
    NetworkSettings,
    Settings,
    TrainingSettings,
)

SETTINGS = Settings(
    data=DataSettings("moons", n=60),
    network=NetworkSettings((LayerSettings(3, "tanh"),)),
    training=TrainingSettings(learning_rate=0.1, batch_size=10),
    seed=5,
)
DATA = make_data(SETTINGS.data)
STEPS = -(-DATA.n_train // 10)


@pytest.fixture
def page():
    page = Page(StudioStart(SETTINGS, is_playing=False))
    page.ask("open")
    yield page
    page.close()
    assert page.errors() == page.expected_errors


def fit(epochs):
    """Return the model of the settings after some epochs of `fit`."""
    model = build_model(SETTINGS, DATA, STEPS)
    options = {"batch_size": 10, "validation_data": DATA.test, "verbose": 0}
    model.fit(DATA.x, DATA.y, epochs=epochs, **options)
    return model


def flat(model):
    return np.concatenate([weight.ravel() for weight in model.get_weights()])


def test_steps_and_epochs_have_the_weights_and_the_scores_of_fit(page):
    for _ in range(STEPS - 1):
        page.ask("step")
    page.ask("step")
    header, arrays = page.ask("epoch")
    model = fit(2)
    np.testing.assert_array_equal(arrays["weights"], flat(model))
    assert header["step"] == 2 * STEPS
    assert header["epoch"] == 2
    train = model.evaluate(DATA.x, DATA.y, verbose=0, return_dict=True)
    test = model.evaluate(*DATA.test, verbose=0, return_dict=True)
    assert header["losses"] == [train["loss"], test["loss"]]
    assert header["scores"] == [train["accuracy"], test["accuracy"]]


def test_a_picture_shows_the_outputs_and_the_counts_of_the_model(page):
    header, arrays = page.ask("step", n=2 * STEPS)
    model, grid = fit(2), header["grid"]
    h, w = grid["size"]
    x1, x2 = (np.linspace(*grid[name], n) for name, n in (("x1", w), ("x2", h)))
    points = np.column_stack([each.ravel() for each in np.meshgrid(x1, x2)]).astype(np.float32)
    expected = model.predict(points)[:, 0].reshape(h, w)
    np.testing.assert_allclose(arrays["output"][..., 1], expected, atol=2e-6)
    x_test, y_test = DATA.test
    counts = np.zeros((2, 2), int)
    np.add.at(counts, (y_test, model.predict_labels(x_test)), 1)
    np.testing.assert_array_equal(arrays["confusion"], counts)
    assert arrays["confusion_train"].sum() == DATA.n_train
    maps = gn.inspection.neurons(model, DATA.x).outputs
    assert arrays["maps_dense_1"].shape == (3, 50, 50)
    assert {f"maps_{name}" for name in maps} == {name for name in arrays if "maps_" in name}


def test_the_points_are_the_rows_training_first(page):
    _, arrays = page.last("points")
    x = np.concatenate([DATA.x, DATA.test[0]])
    np.testing.assert_array_equal(arrays["position"], x)
    y = np.concatenate([DATA.y, DATA.test[1]])
    np.testing.assert_array_equal(arrays["target"], y)
    assert arrays["is_test"].sum() == DATA.n_test


def test_step_back_and_forth_has_the_same_bits(page):
    seen = [page.ask("step")[1]["weights"] for _ in range(5)]
    for step in (3, 1, 4, 2):
        header, arrays = page.ask("seek", step=step)
        assert (header["step"], header["last"]) == (step, 5)
        np.testing.assert_array_equal(arrays["weights"], seen[step - 1])


@pytest.mark.parametrize("whole_batch", [False, True])
def test_the_arithmetic_of_a_neuron_is_that_of_the_trace(page, whole_batch):
    page.ask("step", n=STEPS)
    view = {"layer": "dense_1", "unit": 2, "row": 7, "whole_batch": whole_batch}
    header, _ = page.ask("set_view", "neuron", **view)
    model, (x, y) = fit(1), (DATA.x, DATA.y)
    if whole_batch:
        assert header["n_rows"] == 10
        run = next(
            model.iter_training_runs(
                x, y, [gn.inspection.training_runs.RunSettings(batch_size=10, start="current")]
            )
        )
        plan = next(run.source.iter_chunks(1, 0)).plan
        rows = np.asarray(plan.indices[0])
    else:
        rows = [7]
    trace = model.trace(x[rows], y[rows])
    assert header["text"] == trace.neuron("dense_1", 2)
    dense, tanh = trace["dense_1"], trace["dense_1.tanh"]
    forward, backward = header["forward"], header["backward"]
    np.testing.assert_allclose([each["value"] for each in forward["inputs"]], dense.input[0])
    np.testing.assert_allclose(
        [each["weight"] for each in forward["inputs"]], dense.params["kernel"][:, 2]
    )
    assert forward["z"] == pytest.approx(dense.output[0, 2])
    assert forward["a"] == pytest.approx(tanh.output[0, 2])
    assert backward["delta"] == pytest.approx(dense.delta[0, 2])
    np.testing.assert_allclose(backward["gradients"], dense.d_params["kernel"][:, 2])
    np.testing.assert_allclose(backward["updates"], dense.update["kernel"][:, 2])
    assert [each["name"] for each in forward["inputs"]] == ["x1", "x2"]


def test_the_walk_shows_the_update_that_the_next_step_makes(page):
    page.ask("step", n=3)
    before = page.last("picture")[1]["weights"]
    header, arrays = page.ask("walk", "walk")
    after = page.ask("step")[1]["weights"]
    update = [
        arrays[f"update_{name}"].ravel()
        for name in ("dense_1_kernel", "dense_1_bias", "dense_2_kernel", "dense_2_bias")
    ]
    np.testing.assert_allclose(after - before, np.concatenate(update), atol=1e-6)
    kinds = [stage["kind"] for stage in header["stages"]]
    assert kinds == ["input", "forward", "forward", "loss", "backward", "backward", "update"]
    assert page.last("picture")[0]["step"] == 4


def test_a_row_has_its_values_prediction_and_loss(page):
    page.ask("step", n=STEPS)
    index = DATA.n_train + 2  # the third test row
    header, _ = page.ask("set_view", "row", row=index)
    model, (x, y) = fit(1), DATA.test
    p = float(model.predict(x[2:3])[0, 0])
    assert header["is_test"]
    assert header["probabilities"] == pytest.approx([1 - p, p])
    assert header["loss"] == pytest.approx(-np.log(p if y[2] else 1 - p), rel=1e-5)
    assert header["target"] == DATA.class_names[y[2]]


def test_the_loss_over_two_weights_is_that_of_evaluate(page):
    page.ask("step", n=STEPS)
    weights = [["dense_1/kernel", [0, 1]], ["dense_2/bias", [0]]]
    header, arrays = page.ask("landscape", "landscape", weights=weights)
    model = fit(1)
    kernel, bias, other, last = model.get_weights()
    i, j = 7, 40
    kernel[0, 1], last[0] = arrays["x"][j], arrays["y"][i]
    model.set_weights([kernel, bias, other, last])
    expected = model.evaluate(DATA.x, DATA.y, verbose=0, return_dict=True)["loss"]
    assert arrays["loss"][i, j] == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(arrays["path"][-1, :2], header["values"])
    assert np.ptp(arrays["x"]) == pytest.approx(np.ptp(arrays["y"]))
    for axis, values in enumerate((arrays["x"], arrays["y"])):
        path = arrays["path"][:, axis]
        assert values.min() <= path.min() <= path.max() <= values.max()


CHANGES = {
    "set_training": [
        {"optimizer": "sgd", "learning_rate": 0.2, "momentum": 0.9, "batch_size": 7},
        {"learning_rate": 0.05, "batch_size": 10},
        {"learning_rate": 0.1, "batch_size": 10, "l2": 0.01},
        {"learning_rate": 0.1, "batch_size": None},
        {"learning_rate": 0.1, "batch_size": 10, "loss": "mean_squared_error"},
        {"learning_rate": 0.1, "batch_size": 10, "schedule": "cosine"},
    ],
    "set_data": [{"name": "moons", "n": 60, "noise": 0.3}],
}


def test_changes_of_training_and_data_keep_the_weights(page):
    page.ask("step", n=3)
    before = page.last("picture")[1]["weights"]
    for change in CHANGES["set_training"]:
        _, arrays = page.ask("set_training", training=change)
        np.testing.assert_array_equal(arrays["weights"], before)
        state, _ = page.last("state")
        assert {key: state["settings"]["training"][key] for key in change} == change
        assert state["note"]
    _, arrays = page.ask("set_data", data=CHANGES["set_data"][0])
    np.testing.assert_array_equal(arrays["weights"], before)
    assert page.ask("step")[0]["step"] == 4


def test_a_link_leads_to_the_same_weights_with_all_changes_on_the_way(page):
    page.ask("step", n=3)
    page.ask("set_training", training=CHANGES["set_training"][0])
    page.ask("step", n=4)
    change = {"name": "dense_1/bias", "index": [1], "value": 0.75}
    page.ask("set_weight", change=change)
    page.ask("step", n=2)
    page.ask("set_data", data=CHANGES["set_data"][0])
    page.ask("step", n=2)
    page.ask("set_training", training={**CHANGES["set_training"][0], "learning_rate": 0.3})
    _, arrays = page.ask("step", n=5)
    state, _ = page.last("state")
    link = {**state["link"], "steps": 16}
    other = Page()
    other.ask("open", "idle", settings=json.loads(json.dumps(link)))
    other.ask("set_view", "row", row=0)  # everything before it has been sent
    header, opened = other.last("picture")
    other.close()
    assert header["step"] == 16
    np.testing.assert_array_equal(opened["weights"], arrays["weights"])


def test_a_link_brings_the_curve_of_its_run(page):
    """Oracle: the losses that the session shows at the same steps."""
    page.post("open", settings={**msgspec.to_builtins(SETTINGS), "steps": 200})
    page.ask("set_view", "row", row=0)  # everything before it has been sent
    header, arrays = page.last("picture")
    curve = arrays["curve"]
    assert header["curve_from"] == 0
    assert len(curve) > 40
    for step, _, *losses in curve[10:60:10, :4]:
        header, _ = page.ask("seek", step=int(step))
        assert header["losses"] == pytest.approx(losses, rel=1e-12)


def test_a_seek_before_a_change_shows_the_settings_of_that_time(page):
    page.ask("step", n=3)
    page.ask("set_training", training=CHANGES["set_training"][0])
    page.ask("step", n=3)
    page.ask("seek", step=2)
    state, _ = page.last("state")
    assert state["settings"]["training"]["optimizer"] == "adam"
    page.ask("seek", step=5)
    state, _ = page.last("state")
    assert state["settings"]["training"]["optimizer"] == "sgd"


def test_a_loss_that_is_not_finite_stops_training_and_says_where():
    page = Page()
    page.ask(
        "open",
        settings={
            "data": {"name": "plane", "n": 60},
            "network": {"layers": [], "scale": False},
            "training": {"optimizer": "sgd", "learning_rate": 1e6},
        },
    )
    page.post("play")
    wait_until(lambda: page.last("picture")[0]["problem"])
    header, arrays = page.last("picture")
    assert not header["finite"]
    assert "is not finite" in header["problem"]
    assert np.isfinite(arrays["weights"]).all()
    page.ask("set_training", training={"optimizer": "sgd", "learning_rate": 1e-3})
    page.ask("reset")
    header, _ = page.ask("step", n=5)
    assert header["finite"]
    page.close()


def test_never_more_than_two_pictures_are_on_their_way():
    page = Page(StudioStart(SETTINGS), acknowledges=False)
    page.ask("open")
    wait_until(lambda: page.last("picture")[0]["picture"] == 2)
    time.sleep(0.5)
    pictures = [header for header, _ in page.messages if header["type"] == "picture"]
    assert [each["picture"] for each in pictures] == [1, 2]
    page.ask("ack", picture=1)
    page.close()


def test_play_trains_until_pause_and_pause_shows_the_last_step(page):
    page.post("play", steps=3)
    wait_until(lambda: page.last("picture")[0]["step"] >= 30)
    state, _ = page.ask("pause", "state")
    assert not state["playing"]
    page.ask("set_view", "row", row=0)  # everything before it has been sent
    last = page.last("picture")[0]["step"]
    time.sleep(0.2)
    assert page.last("picture")[0]["step"] == last


def test_a_page_that_is_gone_pauses_a_run_without_pictures():
    """Oracle: the steps of the run; a page that connects again lets it go on."""
    page = Page(StudioStart(SETTINGS, is_playing=False), acknowledges=False)
    page.ask("open")
    page.ask("play", "position", pictures=False)  # beside the picture, the second unanswered one
    run = page.session.experiment.run
    step, n = run.step, len(page.messages)
    time.sleep(1)  # of two positions
    assert (run.step, page.messages[n:]) == (step, [])
    page.session.resume()
    page.wait("position", n)
    assert run.step > step
    page.close()


def test_without_pictures_only_the_position_is_sent(page):
    page.ask("play", "position", pictures=False)
    n = len(page.messages)
    page.wait("position", n)
    kinds = {header["type"] for header, _ in page.messages[n:]}
    assert kinds == {"position"}
    page.ask("pause")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"type": "set_network", "network": {"layers": [{"activation": "no"}]}}, "activation"),
        ({"type": "set_data", "data": {"name": "mooons"}}, "moons"),
        ({"type": "set_training", "training": {"optimizer": "sdg"}}, "sgd"),
        (
            {"type": "set_training", "training": {"loss": "sparse_categorical_crossentropy"}},
            "softmax",
        ),
        ({"type": "set_weight", "change": {"name": "x", "index": [0], "value": 1}}, "dense_1"),
        (
            {"type": "set_weight", "change": {"name": "dense_1/bias", "index": [9], "value": 1}},
            "index",
        ),
        ({"type": "set_view", "axes": ["x1", "nothing"]}, "x2"),
        ({"type": "set_view", "row": 10**9}, "row"),
        ({"type": "set_view", "layer": "dense_9"}, "dense_1"),
        ({"type": "landscape", "weights": [["a", [0]], ["b", [0]]]}, "dense_1"),
        ({"type": "apply_remedy", "finding": 3}, "finding"),
        ({"type": "export", "kind": "exe"}, "model"),
        ({"type": "open", "preset": "nothing"}, "preset"),
        ({"type": "step", "n": 0}, "n"),
        ({"type": "no"}, "no"),
        ([], "message"),
    ],
)
def test_a_refused_message_is_explained_and_the_session_goes_on(page, message, expected):
    before = page.last("state")[0]["settings"]
    n = len(page.messages)
    page.session.post(json.dumps(message))
    header, _ = page.wait("error", n)
    page.expected_errors = [header]
    assert expected in header["message"]
    page.ask("set_view", "neuron", layer="dense_1", row=0)
    header, _ = page.ask("step")
    assert header["step"] == 1
    assert page.last("state")[0]["settings"] == before


def test_a_refused_message_never_blocks_the_thread_that_posts_it():
    """The thread is that of the server: it must go on, or no queue becomes empty again."""
    may_send, sent = threading.Event(), queue.Queue()

    def send(data):
        may_send.wait()
        sent.put(json.loads(data))

    session = Session(StudioStart(is_playing=False), send)
    poster = threading.Thread(target=session.post, args=("no message",), daemon=True)
    poster.start()
    poster.join(timeout=20)
    is_blocked = poster.is_alive()
    may_send.set()
    assert not is_blocked
    assert "expected a message of the page" in sent.get(timeout=20)["message"]
    session.close()


def test_a_session_goes_on_after_mistakes_in_its_own_code(page, monkeypatch, caplog):
    """Oracle: while nothing can be described, the errors; after that, the next step."""

    def fail(*_, **__):
        raise RuntimeError("broken")

    page.ask("set_view", "row", row=0)  # everything before it has been sent
    with monkeypatch.context() as broken:
        for name in ("draw_picture", "describe_state"):
            broken.setattr(session_module, name, fail)
        page.post("play")  # it fails, and so does the state that it is over
        page.post("step")
        wait_until(lambda: len(page.errors()) == 3)
    page.expected_errors = page.errors()
    assert {error["message"] for error in page.expected_errors} == {
        "The studio could not do this. Its terminal shows the error."
    }
    assert "RuntimeError: broken" in caplog.text
    assert page.ask("seek", step=0)[0]["step"] == 0
    assert not page.last("state")[0]["playing"]


ENDING_PROGRAM = """
import sys, time
from glassnet.studio_app.session import Session, StudioStart
session = Session(StudioStart(), lambda data: None)
session.post('{"type": "open", "settings": {"data": {"name": "digits"}}}')
while "sklearn" not in sys.modules:
    time.sleep(0.001)
"""


@pytest.mark.slow
def test_a_program_that_ends_while_data_are_loaded_says_nothing():
    """Python refuses some imports then: no error of the user's."""
    command = [sys.executable, "-c", ENDING_PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_file_comes_in_the_body_of_a_frame_only():
    header = json.dumps({"type": "upload", "name": "a.csv", "content": "QUJD"}).encode()
    frame = struct.pack("<I", len(header)) + header
    frame += bytes(-len(frame) % 8) + b"x,y\n1,2\n"
    assert read_message(frame).content == b"x,y\n1,2\n"
    assert read_message(header.decode()).content == b""


def test_inputs_of_an_array_have_the_names_of_its_columns():
    page = Page()
    page.ask("open", settings={"data": {"name": "iris"}, "network": {"layers": [{"units": 2}]}})
    state, _ = page.last("state")
    names = gn.datasets.load("iris").feature_names
    assert state["data"]["input_names"] == list(names)
    assert state["axes"] == list(names[:2])
    header, _ = page.ask("set_view", axes=[names[3], names[0]], layer="dense_1", row=1)
    assert header["grid"]["names"] == [names[3], names[0]]
    assert set(header["grid"]["fixed"]) == set(names[1:3])
    inputs = page.wait("neuron")[0]["forward"]["inputs"]
    assert [each["name"] for each in inputs] == list(names)
    assert [name for name, _ in page.wait("row")[0]["values"]] == list(names)
    page.close()


def test_a_network_that_nobody_chose_follows_the_kind_of_the_data():
    """Oracle: 32 units learn the digits in ten epochs, and four units stay if they were chosen."""
    page = Page()
    page.ask("open")
    page.ask("set_data", data={"name": "digits"})
    header, _ = page.ask("step", n=10 * page.last("state")[0]["position"]["steps_per_epoch"])
    assert header["scores"][1] > 0.9
    page.ask("set_data", data={"name": "moons"})
    state, _ = page.last("state")
    assert state["settings"]["network"]["layers"] == [
        {"units": 4, "activation": "tanh", "dropout": 0.0}
    ]
    assert state["settings"]["training"]["learning_rate"] == 0.03
    page.ask("set_network", network={"layers": [{"units": 4}, {"units": 4}]})
    page.ask("set_data", data={"name": "digits"})
    state, _ = page.last("state")
    assert [layer["units"] for layer in state["settings"]["network"]["layers"]] == [4, 4]
    page.close()


def test_a_long_link_is_shown_at_its_start_and_can_be_interrupted():
    page = Page()
    header, _ = page.ask("open", settings={"data": {"name": "moons"}, "steps": 1_000_000})
    assert header["step"] == 0
    wait_until(lambda: page.session.experiment.run.step > 0)
    assert page.last("busy")[0]["what"].startswith("1,000,000 steps are trained")
    n = len(page.messages)
    page.post("pause")
    header, _ = page.wait("picture", n)
    assert 0 < header["step"] < 1_000_000
    assert page.ask("step")[0]["step"] == header["step"] + 1
    page.close()


def test_many_steps_end_if_the_page_pauses(page):
    page.post("step", n=1_000_000)
    time.sleep(0.5)
    page.post("pause")
    page.ask("set_view", "row", row=0)
    assert 0 < page.last("picture")[0]["step"] < 1_000_000


def test_a_look_at_a_link_that_opens_does_not_shorten_it():
    """A page that connects again sends `open` and `set_view` at once."""
    page = Page(StudioStart(is_playing=False))
    settings = json.loads(msgspec.json.encode(SETTINGS)) | {"steps": 3000}
    page.post("open", settings=settings)
    page.ask("set_view", "row", row=1)
    assert page.last("picture")[0]["step"] == 3000
    page.close()


def test_a_link_that_is_stopped_says_so():
    page = Page(StudioStart(is_playing=False))
    settings = json.loads(msgspec.json.encode(SETTINGS)) | {"steps": 1_000_000}
    page.post("open", settings=settings)
    page.wait("busy")
    page.post("pause")
    page.ask("set_view", "row", row=0)
    state, _ = page.last("state")
    assert state["position"]["step"] < 1_000_000
    assert not state["playing"]
    assert state["note"] == "Stopped before step 1,000,000 of the link."
    page.close()


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"lossy": 1}, "unknown='settings: lossy'"),
        ({"events": [{"step": 1, "rate": 2}]}, "unknown='settings: events[0]: rate'"),
        ({"data": {"n": 1}}, "Expected `int` >= 10 - at `$.settings.data.n`"),
        ({"events": [{"step": 4}, {"step": 1}]}, "changes in the order of their steps"),
    ],
    ids=["field", "field of a change", "range", "order"],
)
def test_a_link_that_does_not_fit_is_refused(settings, problem):
    with pytest.raises(DataError, match=r"^link: expected") as error:
        read_message(json.dumps({"type": "open", "settings": settings}))
    assert problem in str(error.value)


def test_a_link_is_right_at_once_after_training_on_from_before_a_change(page):
    """Oracle: the weights of another page that opens the link, bit for bit."""
    page.ask("step", n=3)
    page.ask("set_weight", change={"name": "dense_1/bias", "index": [0], "value": 0.75})
    page.ask("step", n=2)
    page.ask("seek", step=2)
    header, arrays = page.ask("step", n=3)
    assert header["step"] == 5
    link = page.last("state")[0]["link"]
    assert "events" not in link
    other = Page()
    other.ask("open", "idle", settings={**link, "steps": 5})
    other.ask("set_view", "row", row=0)  # everything before it has been sent
    opened = other.last("picture")[1]
    other.close()
    np.testing.assert_array_equal(opened["weights"], arrays["weights"])


def test_the_points_of_a_table_have_the_histogram_of_each_input(page):
    """Oracle: counted by hand, 12 bars from the smallest to the largest value."""
    page.ask("open", settings={"data": {"name": "wine"}, "network": {"layers": [{"units": 2}]}})
    x = page.session.experiment.data.x.astype(np.float64)
    histograms = page.last("points")[1]["histograms"]
    low, high = x.min(0), x.max(0)
    bars = np.minimum((12 * (x - low) / (high - low)).astype(int), 11)
    expected = [[int((column == bar).sum()) for bar in range(12)] for column in bars.T]
    np.testing.assert_array_equal(histograms, expected)


@pytest.mark.parametrize(
    ("training", "name", "unit"),
    [
        ({}, "mean squared error", "The loss is the mean squared error, in units of y squared."),
        (
            {"loss": "mean_absolute_error"},
            "mean absolute error",
            "The loss is the mean absolute error, in units of y.",
        ),
        ({"loss": "huber"}, "huber", ""),
    ],
)
def test_the_state_names_the_loss_and_its_unit(page, training, name, unit):
    page.ask("open", settings={"data": {"name": "plane", "n": 60}, "training": training})
    network = page.last("state")[0]["network"]
    assert (network["loss_name"], network["loss_unit"]) == (name, unit)


def test_a_chosen_row_or_neuron_that_is_gone_is_chosen_no_longer():
    page = Page()
    page.ask("open", settings={"data": {"name": "moons"}, "network": {"layers": [{"units": 3}]}})
    page.ask("set_view", "neuron", layer="dense_2", unit=0, row=150)
    page.ask("set_network", network={"layers": []})
    page.ask("set_data", data={"name": "xor"})
    page.ask("step")
    assert "error" not in [header["type"] for header, _ in page.messages]
    page.ask("set_view", "neuron", layer="dense_1", unit=0, row=3)
    page.close()
