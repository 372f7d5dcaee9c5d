"""The output on the page: scores, regions, rows, curves and the confusion matrix.

Oracle: `evaluate` and `predict` of the model of the session, on the same rows.
"""

import numpy as np
import pytest
from studio_pages import SMALL, click, wait_until

STEPS = {**SMALL, "steps": 60}


def read(page, testid):
    """Return the number of an element in full precision."""
    return float(page.get_by_test_id(testid).first.get_attribute("data-value") or "nan")


def wait_for_number(page, testid, expected):
    """Wait until an element shows a number; tables and curves follow the pictures more slowly."""
    wait_until(lambda: read(page, testid) == pytest.approx(expected, rel=1e-6))


def read_rows(studio, page):
    """Return (model, training rows, test rows) of the session of a page."""
    experiment = studio.experiment(page)
    data = experiment.data
    return experiment.make_model(), (data.x, data.y), data.test


def test_scores_and_curves_are_those_of_evaluate(studio):
    page = studio.open(STEPS)
    model, train, test = read_rows(studio, page)
    for rows, part in [(train, "train"), (test, "test")]:
        expected = model.evaluate(*rows, verbose=0, return_dict=True)
        for testid in (f"loss_{part}", f"{part}_loss"):
            wait_for_number(page, testid, expected["loss"])
        wait_for_number(page, f"score_{part}", expected["accuracy"])
    page.get_by_test_id("log_scale").check()
    wait_for_number(page, "train_loss", read(page, "loss_train"))


def test_confusion_matrix_counts_the_predictions(studio):
    page = studio.open(STEPS)
    model, train, test = read_rows(studio, page)
    for (x, y), rows in [(test, "test"), (train, "train")]:
        page.get_by_test_id("confusion_rows").select_option(rows)
        predicted = (model.predict(x, verbose=0).ravel() > 0.5).astype(int)
        expected = np.zeros((2, 2), int)
        np.add.at(expected, (np.ravel(y).astype(int), predicted), 1)
        cells = page.locator('[data-testid="confusion"] td[data-value]')
        wait_until(
            lambda cells=cells, expected=expected: (
                [int(cell.get_attribute("data-value")) for cell in cells.all()]
                == expected.ravel().tolist()
            )
        )


def test_regions_have_the_colour_of_the_predicted_class(studio):
    """Oracle: class 1 is bluer than class 0, which is orange; clear predictions only."""
    page = studio.open(STEPS)
    model, *_ = read_rows(studio, page)
    (x0, x1), (y0, y1) = [axis["range"] for axis in studio.experiment(page).scene.axes]
    shares = [(i / 8, j / 8) for i in range(1, 8) for j in range(1, 8)]
    x = np.array([(x0 + a * (x1 - x0), y0 + b * (y1 - y0)) for a, b in shares], np.float32)
    p = model.predict(x, verbose=0).ravel()
    pixels = page.get_by_test_id("output_map").evaluate(
        """(canvas, shares) => {
            const {width, height} = canvas;
            const {data} = canvas.getContext("2d").getImageData(0, 0, width, height);
            return shares.map(([a, b]) => {
                const place = Math.floor((1 - b) * height) * width + Math.floor(a * width);
                return [...data.subarray(4 * place, 4 * place + 3)];
            });
        }""",
        shares,
    )
    clear = np.abs(p - 0.5) > 0.1
    assert clear.sum() > 5
    is_blue = np.array([pixel[2] > pixel[0] for pixel in pixels])
    np.testing.assert_array_equal(is_blue[clear], p[clear] > 0.5)


def test_a_row_under_the_pointer_shows_its_prediction_and_loss(studio):
    page = studio.open(STEPS)
    model, (x, y), _ = read_rows(studio, page)
    (x0, x1), (y0, y1) = [axis["range"] for axis in studio.experiment(page).scene.axes]
    row = int(np.argmax(x[:, 0]))  # nothing is to its right
    points = page.get_by_test_id("points")
    points.scroll_into_view_if_needed()
    box = points.bounding_box()
    a, b = float((x[row, 0] - x0) / (x1 - x0)), float((x[row, 1] - y0) / (y1 - y0))
    page.mouse.move(box["x"] + a * box["width"] + 3, box["y"] + (1 - b) * box["height"])
    page.get_by_test_id("row_loss").wait_for()
    studio.settle(page)
    assert page.get_by_test_id("row").input_value() == str(row + 1)
    expected = model.evaluate(x[row : row + 1], y[row : row + 1], verbose=0, return_dict=True)[
        "loss"
    ]
    assert read(page, "row_loss") == pytest.approx(expected, rel=1e-5)
    tip = page.get_by_test_id("point_tip")
    tip.wait_for()
    lines = tip.inner_text().split("\n")
    assert lines[0] == f"Row {row + 1}, training"
    assert lines[2] == f"prediction {page.get_by_test_id('row_prediction').inner_text()}"
    bars = page.locator('[data-testid="probabilities"] [data-value]').all()
    shown = [float(bar.get_attribute("data-value")) for bar in bars]
    p = float(model.predict(x[row : row + 1], verbose=0).ravel()[0])
    assert shown == pytest.approx([1 - p, p], abs=1e-6)
    names = studio.experiment(page).data.class_names
    assert page.get_by_test_id("row_prediction").inner_text() == names[int(p > 0.5)]
    assert page.get_by_test_id("row_target").inner_text() == names[int(y[row])]
    page.mouse.move(0, 0)
    tip.wait_for(state="detached")


def test_arrow_keys_go_from_row_to_row(studio):
    page = studio.open(SMALL)
    page.get_by_test_id("points").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft"):
        page.keyboard.press(key)
    assert page.get_by_test_id("row").input_value() == "2"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    studio.settle(page)
    n = len(studio.experiment(page).data.test[0])
    assert page.get_by_test_id("row").input_value() == str(42 + n) == "60"
    assert "a test row" in page.locator(".row-details").inner_text()
    assert studio.experiment(page).run.step == 0


def test_the_row_of_an_image_and_its_probabilities(studio):
    page = studio.open({"data": {"name": "digits"}, "network": {"layers": [{"units": 4}]}})
    studio.settle(page)
    model, (x, _), (x_test, _) = read_rows(studio, page)
    assert page.get_by_test_id("row").input_value() == str(len(x) + 1)
    click(studio, page, "next_row")
    size = page.get_by_test_id("row_image").evaluate("canvas => [canvas.width, canvas.height]")
    assert size == [8, 8]
    bars = page.locator('[data-testid="probabilities"] [data-value]').all()
    shown = [float(bar.get_attribute("data-value")) for bar in bars]
    np.testing.assert_allclose(shown, model.predict(x_test[1:2], verbose=0)[0], atol=1e-6)


def test_numbers_have_a_colour_scale_and_lines_a_curve(studio):
    page = studio.open({**SMALL, "data": {"name": "plane", "n": 60}})
    y = np.concatenate([studio.experiment(page).data.y.ravel()])
    test = studio.experiment(page).data.test[1].ravel()
    ends = page.locator(".color-bar [data-value]").all()
    low, high = (float(end.get_attribute("data-value")) for end in ends)
    every = np.concatenate([y, test])
    assert (low, high) == pytest.approx((every.min(), every.max()), rel=1e-6)
    assert page.get_by_test_id("confusion").count() == 0
    page.get_by_test_id("dataset_line").check(force=True)
    studio.settle(page)
    dark = page.get_by_test_id("output_map").evaluate(
        """canvas => [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
            .data].filter((value, i) => i % 4 === 0 && value < 60).length"""
    )
    assert dark > 100


def test_the_line_of_the_lecture_shows_its_three_losses(studio):
    """Oracle: the numbers of the lecture, as texts; the line goes through w x + 3."""
    page = studio.open(fragment="#preset=lecture_line")
    click(studio, page, "neuron-dense_1-0")
    for weight, loss in [("7", "703.16"), ("8", "599.41"), ("9", "566.05")]:
        field = page.get_by_test_id("weight-0")
        field.fill(weight)
        field.press("Enter")
        studio.settle(page)
        text = page.get_by_test_id("loss_train")
        wait_until(lambda text=text, loss=loss: text.inner_text().strip() == loss)
    assert page.get_by_test_id("loss_unit").inner_text() == (
        "The loss is the mean squared error, in units of y squared."
    )
    grid = page.get_by_test_id("output_map").evaluate(
        """canvas => {
            const {width, height} = canvas;
            const {data} = canvas.getContext("2d").getImageData(0, 0, width, height);
            const dark = (x) => {
                const rows = [...Array(height).keys()].filter((y) => data[4 * (y * width + x)] < 60);
                return rows.reduce((sum, y) => sum + y, 0) / rows.length / height;
            };
            return [0.25, 0.75].map((share) => dark(Math.floor(share * width)));
        }"""
    )
    low, high = (
        float(page.locator(f".axis-up .{end}").inner_text().replace("\u2212", "-"))
        for end in ("low", "high")
    )
    x0, x1 = studio.experiment(page).scene.axes[0]["range"]
    for share, y in zip((0.25, 0.75), grid, strict=True):
        expected = 9 * (x0 + share * (x1 - x0)) + 3
        assert high - y * (high - low) == pytest.approx(expected, abs=0.02 * (high - low))


def test_the_values_of_other_columns_are_few_lines_until_all_are_wanted(studio):
    """Oracle: the height of three lines, and the values of the session's map."""
    page = studio.open({"data": {"name": "wine"}, "network": {"layers": [{"units": 2}]}})
    text = page.get_by_test_id("slice")
    line = text.evaluate("each => parseFloat(getComputedStyle(each).lineHeight)")
    assert text.bounding_box()["height"] <= 3 * line + 1
    click(studio, page, "all_values")
    assert text.bounding_box()["height"] > 3 * line + 1
    fixed = studio.experiment(page).scene.draw_plane(studio.experiment(page).run.state.train_state)[
        0
    ]["fixed"]
    assert len(fixed) == 11
    for name, value in fixed.items():
        assert f"{name} = {value}" in text.inner_text()


def test_simple_methods_stand_beside_the_score(studio):
    page = studio.open(SMALL)
    rivals = page.get_by_test_id("rival")
    rivals.first.wait_for()
    shown = [float(each.get_attribute("data-value")) for each in rivals.all()]
    known = studio.session(page)._rivals
    expected = [known.constant_accuracy, known.linear_accuracy, known.neighbours_accuracy]
    assert shown == pytest.approx(expected)
    table = page.get_by_test_id("rivals").inner_text()
    assert table.startswith("Simple methods, accuracy on test rows:\n")
    for name in ("most common class", "logistic regression", "15 nearest rows"):
        assert name in table


def test_data_of_one_input_are_followed_by_data_of_two(studio):
    """Oracle: no error on the page, and the number of rows."""
    page = studio.open({"data": {"name": "line"}})
    for name in ("plane", "line", "moons"):
        page.get_by_test_id(f"dataset_{name}").check(force=True)
        studio.settle(page)
        data = studio.experiment(page).data
        assert page.get_by_test_id("n_train").inner_text() == str(data.n_train)
        assert data.settings.name == name


def test_a_row_of_other_data_is_not_shown(studio):
    """Oracle: the page has no row, and the session looks at none."""
    page = studio.open({"data": {"name": "digits"}, "network": {"layers": [{"units": 4}]}})
    studio.settle(page)
    assert page.get_by_test_id("probabilities").count() == 1
    page.get_by_test_id("dataset_blobs").check(force=True)
    studio.settle(page)
    assert page.get_by_test_id("probabilities").count() == 0
    assert page.get_by_test_id("row").input_value() == ""
    click(studio, page, "next_row")
    assert page.get_by_test_id("row_target").inner_text().startswith("blob")
    page.get_by_test_id("dataset_moons").check(force=True)
    studio.settle(page)
    assert page.get_by_test_id("row").input_value() == ""
    assert studio.session(page)._view.row is None
