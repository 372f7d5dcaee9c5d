"""The network on the page: its neurons, weights, arithmetic, walk and landscape."""

import json
from contextlib import ExitStack

import numpy as np
import pytest
from live_server import run_live_server
from studio_pages import Studio, count_messages, wait_until

import glassnet as gn
from glassnet.studio_app.starts import (
    OTHER_LAYERS,
    make_session_factory,
    make_welcome,
    start_with_model,
)

TWO_LAYERS = {"network": {"layers": [{"units": 3}, {"units": 2}]}, "steps": 5}
DIGITS = {
    "data": {"name": "digits"},
    "network": {"layers": [{"units": 32, "activation": "relu"}]},
    "training": {"batch_size": 32},
}


def value(page, testid):
    """Return the number that an element of the page shows, in full precision."""
    return float(page.get_by_test_id(testid).first.get_attribute("data-value"))


def values(page, prefix, n):
    """Return the numbers of elements whose test ids end with 0, 1, ..."""
    return [value(page, f"{prefix}-{i}") for i in range(n)]


def select(studio, page, layer, unit, **view):
    """Click a neuron, and wait for its arithmetic."""
    page.get_by_test_id(f"neuron-{layer}-{unit}").click()
    page.get_by_test_id("neuron-z").wait_for()
    studio.settle(page)


def make_model(studio, page):
    """Return the model of the page's session, and its rows."""
    experiment = studio.experiment(page)
    rows = experiment.scene.rows
    return experiment.make_model(), np.asarray(rows.x), np.asarray(rows.y)


def test_biases_and_weights_are_those_of_the_model(studio):
    """Oracle: the weights of the session's model by name."""
    page = studio.open(TWO_LAYERS)
    model, *_ = make_model(studio, page)
    named = model.weights_named()
    for layer, n in [("dense_1", 3), ("dense_2", 2), ("dense_3", 1)]:
        shown = [value(page, f"bias-{layer}-{i}") for i in range(n)]
        np.testing.assert_allclose(shown, named[f"{layer}/bias"], rtol=1e-6)
    select(studio, page, "dense_2", 1)
    np.testing.assert_allclose(values(page, "weight", 3), named["dense_2/kernel"][:, 1], rtol=1e-6)


def test_arithmetic_of_a_row_is_that_of_the_trace(studio):
    """Oracle: `model.trace` of that row with the same weights."""
    page = studio.open(TWO_LAYERS)
    select(studio, page, "dense_2", 1)
    page.get_by_test_id("one_row").click()
    studio.settle(page)
    page.locator('[data-testid="one_row"][aria-pressed="true"]').wait_for()
    row = int(page.get_by_test_id("one_row").inner_text().split()[1]) - 1
    model, x, y = make_model(studio, page)
    trace = model.trace(x[row : row + 1], y[row : row + 1])
    check_arithmetic(page, trace)


def test_arithmetic_of_the_next_batch_is_that_of_the_trace(studio):
    """Oracle: `model.trace` in training mode of the rows that the next step takes."""
    page = studio.open(TWO_LAYERS)
    select(studio, page, "dense_2", 1)
    experiment = studio.experiment(page)
    _, rows = experiment.run.take_batch()
    model, x, y = make_model(studio, page)
    check_arithmetic(page, model.trace(x[rows], y[rows], training=True))


def check_arithmetic(page, trace):
    """Compare the numbers of neuron 1 of dense_2, a tanh, with a trace."""
    link = next(each for each in trace.links if each.name == "dense_2")
    activation = trace.links[[each.name for each in trace.links].index("dense_2") + 1]
    close = {"rtol": 1e-6, "atol": 1e-6}
    x, w = np.asarray(link.input[0]), np.asarray(link.params["kernel"])[:, 1]
    np.testing.assert_allclose(values(page, "input", 3), x, **close)
    np.testing.assert_allclose(values(page, "weight", 3), w, **close)
    np.testing.assert_allclose(values(page, "product", 3), x * w, **close)
    np.testing.assert_allclose(value(page, "neuron-z"), link.output[0, 1], **close)
    np.testing.assert_allclose(value(page, "neuron-a"), activation.output[0, 1], **close)
    np.testing.assert_allclose(value(page, "neuron-delta"), link.delta[0, 1], **close)
    np.testing.assert_allclose(value(page, "neuron-d_a"), activation.d_output[0, 1], **close)
    slope = 1 - activation.output[0, 1] ** 2  # of tanh
    np.testing.assert_allclose(value(page, "neuron-slope"), slope, rtol=1e-5)
    np.testing.assert_allclose(values(page, "gradient", 3), link.d_params["kernel"][:, 1], **close)
    np.testing.assert_allclose(value(page, "gradient-bias"), link.d_params["bias"][1], **close)
    np.testing.assert_allclose(values(page, "update", 3), link.update["kernel"][:, 1], **close)
    np.testing.assert_allclose(value(page, "update-bias"), link.update["bias"][1], **close)
    page.get_by_text("As text").click()
    assert page.get_by_test_id("neuron-text").inner_text() == trace.neuron("dense_2", 1)


def test_the_shown_numbers_of_a_formula_give_its_result(studio):
    """Oracle: Python's arithmetic on the text of the page, in the digits that it shows."""
    page = studio.open(TWO_LAYERS)
    select(studio, page, "dense_1", 0)
    forward, backward = (each.inner_text() for each in page.locator(".formula").all())
    sums = forward.split("\n")[1].split("=")[2:]
    products = backward.split("\n")[1].split("=")[4:]
    for formula, result in (sums, (products[0], products[1].split("(")[0])):
        text = " ".join(formula.replace("\u2212", "-").replace("\u00b7", "*").split())
        shown = float(result.replace("\u2212", "-"))
        assert eval(text) == pytest.approx(shown, rel=2e-3)


def test_the_arithmetic_is_in_view_after_the_click(studio):
    """Oracle: the window; before the click, the place of the arithmetic is below it."""
    page = studio.open({"network": {"layers": [{"units": 4}] * 2}}, width=1280, height=700)
    select(studio, page, "dense_1", 0)
    top = page.get_by_test_id("neuron").bounding_box()["y"]
    bottom = page.get_by_test_id("neuron-rate").bounding_box()["y"]
    bar = page.locator(".time").bounding_box()
    assert bar["y"] + bar["height"] <= top < bottom < 700
    page.get_by_test_id("walk").click()
    page.get_by_test_id("walk-stages").wait_for()
    for _ in range(3):
        box = page.get_by_test_id("walk-stages").bounding_box()
        assert box["y"] > 0
        assert box["y"] + box["height"] <= 700
        page.get_by_test_id("walk-next").click()
        studio.settle(page)


def test_the_map_of_a_neuron_under_the_pointer_is_shown_large(studio):
    """Oracle: the sign of the neuron's output in `compute_layer_outputs`, as blue and orange."""
    page = studio.open(TWO_LAYERS)
    state = studio.experiment(page)
    scene = state.scene
    before = page.get_by_test_id("output_map").evaluate("canvas => canvas.toDataURL()")
    page.get_by_test_id("neuron-dense_1-1").hover()
    page.locator(".map-caption", has_text="dense_1, neuron 1").wait_for()
    (x0, x1), (y0, y1) = [axis["range"] for axis in scene.axes]
    shares = [(i / 8, j / 8) for i in range(1, 8) for j in range(1, 8)]
    x = np.array([(x0 + a * (x1 - x0), y0 + b * (y1 - y0)) for a, b in shares], np.float32)
    outputs = scene.at(state.run.state.train_state).compute_layer_outputs(x)
    names = list(scene.unit_layers.values())
    index = list(scene.unit_layers)[names.index("dense_1")]
    output = outputs[index][:, 1]
    pixels = page.get_by_test_id("output_map").evaluate(READ_SHARES, shares)
    clear = np.abs(output) > 0.1 * np.abs(output).max()
    is_blue = np.array([pixel[2] > pixel[0] for pixel in pixels])
    np.testing.assert_array_equal(is_blue[clear], output[clear] > 0)
    page.mouse.move(0, 0)
    wait_until(
        lambda: page.get_by_test_id("output_map").evaluate("canvas => canvas.toDataURL()") == before
    )


READ_SHARES = """(canvas, shares) => {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  return shares.map(([a, b]) => {
    const place = Math.floor((1 - b) * height) * width + Math.floor(a * width);
    return [...data.subarray(4 * place, 4 * place + 3)];
  });
}"""


@pytest.mark.parametrize("n", [1, 6])
def test_controls_of_a_layer_stand_above_its_neurons(studio, n):
    """Oracle: the places of the tiles; on a phone the controls of six layers are a list."""
    page = studio.open({"network": {"layers": [{"units": 3}] * n}})
    for number in range(1, n + 1):
        tile = page.get_by_test_id(f"neuron-dense_{number}-0").bounding_box()
        controls = page.get_by_test_id(f"layer_{number}").bounding_box()
        middle = controls["x"] + controls["width"] / 2
        assert tile["x"] < middle < tile["x"] + tile["width"]
        assert controls["y"] + controls["height"] <= tile["y"]
        assert tile["y"] - controls["y"] < 150
    page.set_viewport_size({"width": 360, "height": 800})
    page.locator(".layer-list").wait_for(state="attached" if n > 1 else "detached")
    assert page.get_by_test_id(f"layer_{n}").count() == 1


@pytest.mark.parametrize("place", ["number", "slider"])
def test_a_weight_is_edited(studio, place):
    """Oracle: the number that was typed, or that the slider shows."""
    page = studio.open(TWO_LAYERS)
    select(studio, page, "dense_2", 1)
    field = page.get_by_test_id("weight-2")
    if place == "number":
        field.fill("-1.25")
        field.press("Enter")
        expected = -1.25
    else:
        slider = page.get_by_label("Weight of dense_1[2], slider")
        expected = float(slider.get_attribute("max"))  # it grows with the weight
        slider.focus()
        slider.press("End")
    studio.settle(page)
    model, *_ = make_model(studio, page)
    assert model.weights_named()["dense_2/kernel"][2, 1] == expected
    wait_until(lambda: value(page, "weight-2") == expected)
    np.testing.assert_allclose(value(page, "product-2"), expected * value(page, "input-2"))


def middle_of_edge(page, start, end):
    """Return the point half way between two tiles, where the line of their weight passes."""
    first, second = (page.get_by_test_id(f"neuron-{name}").bounding_box() for name in (start, end))
    x = (first["x"] + first["width"] + second["x"]) / 2
    return x, (first["y"] + second["y"] + second["height"]) / 2


def test_an_edge_says_its_weight_and_is_edited(studio):
    """Oracle: the weights of the session's model; the line is the only one at that point."""
    page = studio.open(TWO_LAYERS)
    x, y = middle_of_edge(page, "dense_1-0", "dense_2-0")
    page.mouse.move(x, y)
    tip = page.get_by_test_id("edge-weight")
    tip.wait_for()
    model, *_ = make_model(studio, page)
    weight = model.weights_named()["dense_2/kernel"][0, 0]
    assert tip.inner_text().startswith("dense_1[0] → dense_2[0]: ")
    assert float(tip.get_attribute("data-value")) == pytest.approx(weight, rel=1e-6)
    page.mouse.click(x, y)
    page.get_by_test_id("edge-value").fill("0.5")
    page.get_by_test_id("edge-value").press("Enter")
    studio.settle(page)
    model, *_ = make_model(studio, page)
    assert model.weights_named()["dense_2/kernel"][0, 0] == 0.5
    page.mouse.move(0, 0)
    assert not tip.is_visible()


def test_a_walk_shows_the_next_step(studio):
    """Oracle: `model.trace` of the next batch; the step is trained by its own button only."""
    page = studio.open(TWO_LAYERS)
    _, rows = studio.experiment(page).run.take_batch()
    model, x, y = make_model(studio, page)
    links = {link.name: link for link in model.trace(x[rows], y[rows], training=True).links}
    page.get_by_test_id("walk").click()
    page.get_by_test_id("walk-stages").wait_for()
    seen = []
    for _ in range(9):
        title = page.locator(".walk h3").inner_text()
        seen.append(title)
        kind, _, layer = title.partition(": ")
        if kind == "Forward":
            np.testing.assert_allclose(
                value(page, "walk-z-0"), links[layer].output[0, 0], rtol=1e-5
            )
        if kind == "Backward":
            delta = links[layer].delta[0, 0]
            np.testing.assert_allclose(value(page, "walk-delta-0"), delta, rtol=1e-5, atol=1e-7)
        if page.get_by_test_id("walk-next").is_enabled():
            page.get_by_test_id("walk-next").click()
    order = ["Forward: dense_1", "Forward: dense_2", "Forward: dense_3", "The loss"]
    order += ["Backward: dense_3", "Backward: dense_2", "Backward: dense_1", "The update"]
    assert seen[1:] == order
    largest = max(np.abs(link.update[key]).max() for link in links.values() for key in link.update)
    assert abs(value(page, "walk-update-0")) == pytest.approx(largest, rel=1e-5)
    assert studio.experiment(page).run.step == 5
    page.get_by_test_id("walk-step").click()
    page.get_by_test_id("walk-stages").wait_for(state="detached")
    assert studio.experiment(page).run.step == 6


def test_lines_of_a_walk_show_gradients_then_updates(studio):
    """Oracle: `model.trace` of the next batch."""
    page = studio.open(TWO_LAYERS)
    _, rows = studio.experiment(page).run.take_batch()
    model, x, y = make_model(studio, page)
    links = {link.name: link for link in model.trace(x[rows], y[rows], training=True).links}
    link = links["dense_2"]
    page.get_by_test_id("walk").click()
    stages = page.get_by_test_id("walk-stages")
    stages.wait_for()
    expected = {"Forward: dense_2": ("", model.weights_named()["dense_2/kernel"])}
    expected["Backward: dense_2"] = ("gradient ", link.d_params["kernel"])
    expected["The update"] = ("update ", link.update["kernel"])
    for _ in range(9):
        if found := expected.pop(page.locator(".walk h3").inner_text(), None):
            page.get_by_test_id("network").scroll_into_view_if_needed()
            page.mouse.move(*middle_of_edge(page, "dense_1-0", "dense_2-0"))
            tip = page.get_by_test_id("edge-weight")
            tip.wait_for()
            assert tip.inner_text().startswith(f"dense_1[0] → dense_2[0]: {found[0]}")
            number = float(tip.get_attribute("data-value"))
            assert number == pytest.approx(found[1][0, 0], rel=1e-4, abs=1e-7)
            page.mouse.move(0, 0)
        stages.press("ArrowRight")
    assert expected == {}


def test_a_walk_moves_by_keys_and_does_not_step(studio):
    """Oracle: the position that the page writes, and the step of the session."""
    page = studio.open(TWO_LAYERS, reduced_motion="reduce")
    page.get_by_test_id("walk").focus()
    page.keyboard.press("Enter")
    position = page.get_by_test_id("walk-position")
    position.wait_for()
    for key, stage in [("ArrowRight", 2), ("ArrowRight", 3), ("ArrowLeft", 2), ("End", 9)]:
        page.keyboard.press(key)
        assert position.inner_text() == f"stage {stage} of 9"
    assert page.get_by_text("Advance by itself").count() == 0  # reduced motion
    page.keyboard.press("Escape")
    page.get_by_test_id("walk-stages").wait_for(state="detached")
    assert studio.experiment(page).run.step == 5


def test_neurons_are_reached_by_the_arrow_keys(studio):
    """Oracle: the places of the neurons; the step of the session stays."""
    page = studio.open(TWO_LAYERS)
    page.get_by_test_id("neuron-dense_1-0").focus()
    path = [("ArrowDown", "dense_1-1"), ("ArrowDown", "dense_1-2"), ("ArrowRight", "dense_2-1")]
    path += [("ArrowUp", "dense_2-0"), ("ArrowRight", "dense_3-0"), ("ArrowLeft", "dense_2-0")]
    for key, name in path:
        page.keyboard.press(key)
        focus = page.evaluate("document.activeElement.dataset.testid")
        assert focus == f"neuron-{name}"
    page.keyboard.press("Enter")
    page.get_by_test_id("neuron-z").wait_for()
    assert page.get_by_test_id("neuron-dense_2-0").get_attribute("aria-pressed") == "true"
    assert studio.experiment(page).run.step == 5


def test_the_landscape_of_two_clicked_edges(studio):
    """Oracle: the loss of the training rows with both weights replaced, and the present weights."""
    page = studio.open(TWO_LAYERS)
    for end in ("dense_2-0", "dense_2-1"):
        start = "dense_1-0" if end == "dense_2-0" else "dense_1-2"
        page.mouse.click(*middle_of_edge(page, start, end))
    page.get_by_test_id("landscape").click()
    page.get_by_test_id("landscape-picture").wait_for()
    model, x, y = make_model(studio, page)
    named = model.weights_named()
    kernel = np.array(named["dense_2/kernel"])
    assert value(page, "landscape-x") == pytest.approx(kernel[0, 0], rel=1e-6)
    assert value(page, "landscape-y") == pytest.approx(kernel[2, 1], rel=1e-6)
    kernel[0, 0], kernel[2, 1] = (value(page, f"landscape-lowest-{axis}") for axis in "xy")
    named["dense_2/kernel"] = kernel
    model.set_weights([*named.values(), *model.get_weights()[len(named) :]])
    lowest = model.evaluate(x, y)[0]
    assert value(page, "landscape-lowest") == pytest.approx(lowest, rel=1e-4)


def test_digits_show_the_weights_of_pixels_and_only_strong_edges(studio):
    """Oracle: the shapes of the network, 64-32-10."""
    page = studio.open(DIGITS)
    assert page.locator(".tile").count() == 42
    assert "100 strongest of 320" in page.locator(".network-legend").inner_text()
    select(studio, page, "dense_1", 3)
    assert page.locator(".neuron tbody tr").count() == 17  # 16 inputs and the bias
    page.get_by_role("button", name="Show all").click()
    assert page.locator(".neuron tbody tr").count() == 65


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800, 1920])
def test_the_page_fits_its_window(studio, width, scheme):
    """Oracle: nothing is wider than the window, and the canvas shows more than one colour."""
    page = studio.open(TWO_LAYERS, width=width, color_scheme=scheme)
    select(studio, page, "dense_2", 1)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    colors = page.evaluate(
        """() => {
          const canvas = document.querySelector('[data-testid="network"] canvas');
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return new Set(new Uint32Array(data.buffer)).size;
        }"""
    )
    assert colors > 50


READ_PIXELS = """points => {
  const canvas = document.querySelector('[data-testid="network"] canvas');
  const box = canvas.getBoundingClientRect();
  const ratio = canvas.width / box.width;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return points.map(([x, y]) => {
    const [column, row] = [(x - box.x) * ratio, (y - box.y) * ratio].map(Math.round);
    const place = 4 * (row * canvas.width + column);
    return Array.from(data.slice(place, place + 3));
  });
}"""


def test_tiles_have_the_colors_of_the_neurons_outputs(studio):
    """Oracle: tanh(x W + b) in NumPy at nine points of the plane; blue is positive."""
    page = studio.open({"network": {"layers": [{"units": 3}]}, "steps": 60})
    named = make_model(studio, page)[0].weights_named()
    (low1, high1), (low2, high2) = (axis["range"] for axis in studio.experiment(page).scene.axes)
    shares = [(a, b) for a in (0.25, 0.5, 0.75) for b in (0.25, 0.5, 0.75)]
    x = np.array([[low1 + a * (high1 - low1), high2 - b * (high2 - low2)] for a, b in shares])
    outputs = np.tanh(x @ named["dense_1/kernel"] + named["dense_1/bias"])
    boxes = [page.get_by_test_id(f"neuron-dense_1-{unit}").bounding_box() for unit in range(3)]
    points = [
        [box["x"] + a * box["width"], box["y"] + b * box["height"]]
        for box in boxes
        for a, b in shares
    ]
    colors = np.array(page.evaluate(READ_PIXELS, points))
    is_blue, expected = colors[:, 2] > colors[:, 0], outputs.T.ravel()
    is_clear = np.abs(expected) > 0.2
    assert is_clear.sum() > 12
    np.testing.assert_array_equal(is_blue[is_clear], expected[is_clear] > 0)


def test_a_table_says_what_a_neuron_follows(studio, shared_data):
    """Oracle: the correlation of tanh(x W + b) with each input, in NumPy."""
    settings = {"network": {"layers": [{"units": 3}]}, "training": {"batch_size": 32}, "steps": 20}
    page = studio.open({"data": {"name": "titanic"}, **settings})
    select(studio, page, "dense_1", 1)
    model, x, _ = make_model(studio, page)
    named = model.weights_named()
    output = np.tanh(x @ named["dense_1/kernel"][:, 1] + named["dense_1/bias"][1])
    correlations = np.nan_to_num([np.corrcoef(column, output)[0, 1] for column in x.T])
    inputs = list(studio.experiment(page).scene.rows.feature_names)
    names = [text.split(" (")[0].strip() for text in page.locator(".driver").all_inner_texts()]
    shown = np.array(values(page, "driver", 3))
    np.testing.assert_allclose(
        shown, correlations[[inputs.index(name) for name in names]], atol=1e-4
    )
    strongest = np.sort(np.abs(correlations))[::-1][:3]
    np.testing.assert_allclose(np.abs(shown), strongest, atol=1e-4)


LIST_EDGES = """async weights => {
  const { listEdges } = await import("/static/app/edges.mjs");
  const column = (n) => ({
    n,
    tiles: Array.from({ length: n }, (_, unit) => ({ unit, x: 0, y: 0, size: 1 })),
  });
  const kernel = { name: "dense_1/kernel", offset: 5, shape: [20, 11], size: 220 };
  const to = { ...column(11), kernel, layer: { name: "dense_1" } };
  const edges = listEdges({ gaps: [{ from: column(20), to }] }, Float32Array.from(weights));
  return edges.map(({ weight, value }) => [...weight.index, value]);
}"""


def test_only_the_strongest_of_many_edges_are_drawn(studio):
    """Oracle: the 100 weights of 220 with the largest absolute value, sorted by NumPy."""
    page = studio.open()
    weights = np.random.default_rng(0).normal(size=225).astype(np.float32)
    kernel = weights[5:].reshape(20, 11)
    edges = page.evaluate(LIST_EDGES, weights.tolist())
    shown = np.array([value for *_, value in edges], np.float32)
    np.testing.assert_array_equal(np.abs(shown), np.sort(np.abs(kernel), axis=None)[-100:])
    np.testing.assert_array_equal(shown, [kernel[int(i), int(j)] for i, j, _ in edges])


def test_a_selected_neuron_survives_other_networks(studio):
    """Oracle: the weights of the session's model; the console has no error on the way."""
    page = studio.open(TWO_LAYERS)
    select(studio, page, "dense_2", 1)
    for units in (7, 12, 2):
        studio.session(page).post(
            json.dumps(
                {"type": "set_network", "network": {"layers": [{"units": units}, {"units": 2}]}}
            )
        )
        wait_until(lambda n=units: page.locator(".neuron tbody tr").count() == n + 1)
        page.mouse.move(640, 500)
        kernel = make_model(studio, page)[0].weights_named()["dense_2/kernel"]
        wait_until(lambda n=units, k=kernel: np.allclose(values(page, "weight", n), k[:, 1]))


FIND_BLOCK = """() => {
  const canvas = document.querySelector('[data-testid="network"] canvas');
  const box = canvas.getBoundingClientRect();
  const heading = document.querySelectorAll(".network-heading")[1].getBoundingClientRect();
  const ratio = canvas.width / box.width;
  const middle = heading.x + heading.width / 2;
  const x = Math.round((middle - box.x) * ratio);
  const { data } = canvas.getContext("2d").getImageData(x, 0, 1, canvas.height);
  const rows = [...Array(canvas.height).keys()].filter((y) => data[4 * y + 3] > 0);
  const size = rows.length / ratio;
  return [middle - size / 2, box.y + rows[0] / ratio, size / 2];
}"""  # the only thing in its column of pixels: left, top, and the side of one of 2 x 2 filters


def test_a_model_with_convolutions_shows_its_filters_and_says_why_it_stays(chromium):
    """Oracle: the reason of the session; orange and blue by the sign of the filter's weights."""
    layers = [gn.layers.Conv2D(4, 2), gn.layers.Flatten(), gn.layers.Dense(2, activation="softmax")]
    rng = np.random.default_rng(0)
    x, y = rng.random((24, 4, 4, 1), np.float32), np.arange(24) % 2
    start = start_with_model(gn.Sequential(layers, seed=0), x, y)
    make_session = count_messages(make_session_factory(start))
    with run_live_server(make_session, welcome=make_welcome()) as server, ExitStack() as stack:
        studio = Studio(server, chromium, stack)
        page = studio.open()
        assert page.get_by_test_id("cannot_edit").inner_text() == OTHER_LAYERS
        assert page.get_by_test_id("add_layer").count() == 0
        kernel = studio.experiment(page).make_model().weights_named()["conv2d_1/kernel"]
        assert studio.problems == []  # before the browser warns about reading pixels twice
        left, top, side = page.evaluate(FIND_BLOCK)
        points = [
            [left + (f % 2 + (j + 0.5) / 2) * side, top + (f // 2 + (i + 0.5) / 2) * side]
            for f in range(4)
            for i in range(2)
            for j in range(2)
        ]
        pixels = page.evaluate(READ_PIXELS, points)
        values = [kernel[i, j, 0, f] for f in range(4) for i in range(2) for j in range(2)]
        for (red, _, blue, *_), value in zip(pixels, values, strict=True):
            if abs(value) > 0.2 * np.abs(kernel).max():
                assert (blue > red) == (value > 0)
