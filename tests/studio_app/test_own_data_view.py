"""Own tables and drawn points on the page.

Oracle: the rows of the file, and the data of the session, read in Python.
"""

import csv
import io
import os
from pathlib import Path

import numpy as np
import pytest
from studio_pages import SMALL, click, wait_until

DATA_HOME = Path(os.environ.get("GLASSNET_DATA_HOME", "missing"))

SCRIPT = '<img src=x onerror="window.isBroken = true"><script>window.isBroken = true</script>'


def write_table(path, names=("size", "weight", "kind"), n=40):
    """Write a CSV file of two random numbers and a class."""
    numbers = np.random.default_rng(0).normal(size=(n, 2)).round(3)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([*row, "ab"[i % 2]] for i, row in enumerate(numbers))
    return path


def open_file(studio, page, path):
    """Choose a file on the page."""
    studio.act(page, lambda: page.get_by_test_id("file").set_input_files(path))


def test_a_table_is_opened_by_file_choice(studio, tmp_path):
    page = studio.open(SMALL)
    open_file(studio, page, write_table(tmp_path / "parts.csv"))
    data = studio.experiment(page).data
    assert (data.n_train + data.n_test, data.target_name) == (40, "kind")
    assert page.get_by_test_id("n_train").inner_text() == str(data.n_train)
    assert data.messages[0] in page.get_by_test_id("data_messages").inner_text()
    page.get_by_test_id("target").select_option("weight")
    studio.settle(page)
    assert studio.experiment(page).data.target_name == "weight"
    page.locator('[data-testid="column"][value="kind"]').uncheck()
    studio.settle(page)
    assert studio.experiment(page).data.feature_names == ("size",)
    page.get_by_test_id("share").click()
    assert "Your own data are not in the link" in (
        page.get_by_test_id("link_without_data").inner_text()
    )
    link = page.get_by_test_id("link").input_value()
    other = studio.open(fragment=link[link.index("#") :])
    assert studio.experiment(other).settings.data.name == "xor_points"


def test_titanic_is_trained_from_its_file(studio):
    path = DATA_HOME / "titanic" / "titanic.csv"
    if not path.exists():
        pytest.skip(f"no file {path}")
    page = studio.open(SMALL)
    open_file(studio, page, path)
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    page.get_by_test_id("target").select_option("survived")
    studio.settle(page)
    data = studio.experiment(page).data
    assert data.n_train + data.n_test == len(rows)
    assert set(data.class_names) == {row["survived"] for row in rows}
    click(studio, page, "epoch")
    assert studio.experiment(page).run.state.epoch == 1
    kinds = page.locator(".columns-list li").all_inner_texts()
    assert len(kinds) == len(rows[0]) - 1


def test_a_table_is_opened_by_dropping_it_anywhere_on_the_page(studio, tmp_path):
    page = studio.open(SMALL)
    text = write_table(tmp_path / "parts.csv").read_text()
    transfer = page.evaluate_handle(
        """text => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([text], "parts.csv", {type: "text/csv"}));
            return transfer;
        }""",
        text,
    )
    for event in ("dragover", "drop"):
        page.get_by_test_id("network").dispatch_event(event, {"dataTransfer": transfer})
    page.locator('[data-testid="n_train"][data-value="28"]').wait_for()
    assert studio.experiment(page).settings.data.name == "own"


def test_a_script_in_a_column_name_stays_text(studio, tmp_path):
    page = studio.open(SMALL)
    path = write_table(tmp_path / "bad.csv", names=(SCRIPT, "weight", SCRIPT + "2"))
    open_file(studio, page, path)
    assert studio.experiment(page).data.target_name == SCRIPT + "2"
    click(studio, page, "step", "next_row")
    assert SCRIPT in page.locator(".columns-list").inner_text()
    assert SCRIPT in page.get_by_test_id("row_values").inner_text()
    assert not page.evaluate("Boolean(window.isBroken)")
    assert page.locator(".glassnet-studio img").count() == 0


def test_a_file_that_is_no_table_is_refused_in_a_sentence(studio, tmp_path):
    page = studio.open(SMALL)
    path = tmp_path / "empty.csv"
    path.write_text("")
    open_file(studio, page, path)
    assert "Received" in page.get_by_test_id("error").inner_text()
    page.get_by_label("Close the message").click()
    assert page.get_by_test_id("error").count() == 0
    assert studio.experiment(page).settings.data.name == "xor_points"
    open_file(studio, page, path)
    page.get_by_test_id("error").wait_for()  # the same message again
    click(studio, page, "step")
    assert page.get_by_test_id("error").count() == 0


def test_a_file_that_is_too_large_is_not_sent(studio, tmp_path):
    page = studio.open(SMALL)
    path = tmp_path / "large.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 9_000_000)
    page.get_by_test_id("file").set_input_files(path)
    text = page.locator(".upload .problem").inner_text()
    assert text.startswith("large.csv has 34.3 MiB. The page takes files of up to")
    assert studio.experiment(page).settings.data.name == "xor_points"


def click_pad(page, x, y, **options):
    """Click a place of the drawing: shares of its width."""
    pad = page.get_by_test_id("pad")
    box = pad.bounding_box()
    position = {"x": x * box["width"], "y": y * box["height"]}
    pad.click(position=position, **options)


def read_points(studio, page):
    """Return the drawn points in the session, after the page has sent them."""
    shown = page.get_by_test_id("n_drawn")
    page.wait_for_timeout(250)  # the page waits for more points before it sends them

    def find_points():
        studio.settle(page)
        points = studio.experiment(page).settings.data.points
        return len(points) == int(shown.get_attribute("data-value")) and points

    return wait_until(find_points)


def test_points_are_drawn_with_the_mouse_and_erased(studio):
    page = studio.open(SMALL)
    page.get_by_test_id("draw").click()
    for x in (0.2, 0.3, 0.4):
        click_pad(page, x, 0.25)
    page.get_by_test_id("class_2").click()
    for x in (0.6, 0.7):
        click_pad(page, x, 0.75)
    points = read_points(studio, page)
    assert [point.label for point in points] == [0, 0, 0, 2, 2]
    assert points[0].x1 < points[1].x1 < 0 < points[3].x1
    assert points[0].x2 > 0 > points[3].x2
    click_pad(page, 0.3, 0.25, modifiers=["Shift"])
    assert len(read_points(studio, page)) == 4
    page.get_by_test_id("undo").click()
    assert read_points(studio, page) == points
    page.get_by_test_id("erase").click()
    click_pad(page, 0.7, 0.75)
    assert read_points(studio, page) == points[:4]
    click(studio, page, "epoch")
    assert studio.experiment(page).run.step > 0
    page.get_by_test_id("clear").click()
    assert page.get_by_test_id("n_drawn").get_attribute("data-value") == "0"


def test_points_of_one_class_ask_for_a_second_one(studio):
    """Oracle: the data of the session, which stay until there is something to learn."""
    page = studio.open(SMALL)
    page.get_by_test_id("draw").click()
    for x in (0.2, 0.3):
        click_pad(page, x, 0.25)
    hint = page.get_by_test_id("one_class")
    assert "a second class" in hint.inner_text()
    page.wait_for_timeout(400)
    studio.settle(page)
    assert page.get_by_test_id("error").count() == 0
    assert studio.experiment(page).settings.data.name != "points"
    page.get_by_test_id("class_1").click()
    click_pad(page, 0.7, 0.75)
    assert [point.label for point in read_points(studio, page)] == [0, 0, 1]
    assert hint.count() == 0


def test_points_are_drawn_with_the_keyboard(studio):
    page = studio.open(SMALL)
    page.get_by_test_id("draw").click()
    page.get_by_test_id("pad").focus()
    for key in ("Enter", *["ArrowRight"] * 4, "1", "Enter", *["ArrowUp"] * 4, "Enter"):
        page.keyboard.press(key)
    points = read_points(studio, page)
    assert [point.label for point in points] == [0, 1, 1]
    assert points[1].x1 > points[0].x1 == 0
    assert points[2].x2 > points[1].x2 == 0
    page.keyboard.press("Delete")
    assert read_points(studio, page) == points[:2]


def test_drawing_starts_from_the_points_of_a_dataset(studio):
    page = studio.open(SMALL)
    page.get_by_test_id("draw").click()
    page.get_by_test_id("copy_points").click()
    assert len(read_points(studio, page)) == 60


def write_ratings(path):
    """Write a CSV file whose target is 1 to 4, and with a column of the numbers 10, 11 and 12."""
    numbers = np.random.default_rng(0).normal(size=60).round(3)
    rows = [f"{x},{10 + i % 3},{'ab'[i % 2]},{1 + i % 4}" for i, x in enumerate(numbers)]
    path.write_text("size,zip,color,stars\n" + "\n".join(rows) + "\n")
    return path


def test_the_target_is_classes_or_numbers_as_the_user_says(studio, tmp_path):
    page = studio.open(SMALL)
    open_file(studio, page, write_ratings(tmp_path / "ratings.csv"))
    assert studio.experiment(page).data.class_names == ()
    messages = page.get_by_test_id("data_messages").inner_text()
    assert "stars has 4 different integers, which are treated as numbers" in messages
    scores = page.get_by_test_id("scores").inner_text()
    assert "Mean absolute error" in scores
    page.get_by_test_id("target_type").select_option("category")
    studio.settle(page)
    data = studio.experiment(page).data
    assert data.class_names == ("1", "2", "3", "4")
    assert "(4 classes)" in page.get_by_test_id("data_summary").inner_text()
    assert "Accuracy" in page.get_by_test_id("scores").inner_text()
    click(studio, page, "epoch")
    assert studio.experiment(page).run.state.epoch == 1
    page.get_by_test_id("target").select_option("color")
    studio.settle(page)
    assert studio.experiment(page).settings.data.target_type is None
    page.get_by_test_id("target_type").select_option("number")
    studio.settle(page)
    error = page.get_by_test_id("error").inner_text()
    assert "target 'color': expected numbers" in error
    assert "Choose classes for the target" in error
    assert page.get_by_test_id("target_type").input_value() == ""


def test_each_column_has_the_type_that_the_user_chooses(studio, tmp_path):
    page = studio.open(SMALL)
    open_file(studio, page, write_ratings(tmp_path / "ratings.csv"))
    choice = page.get_by_label("Type of zip")
    choice.select_option("category")
    studio.settle(page)
    assert studio.experiment(page).data.column_types == {"zip": "category"}
    row = page.locator(".columns-list li", has_text="zip").first
    assert "category: 10, 11, 12" in row.inner_text()
    choice.select_option("drop")
    studio.settle(page)
    assert studio.experiment(page).data.feature_names == ("size", "color")
    assert "left out: as requested" in row.inner_text()
    assert row.get_by_test_id("column").is_disabled()
    choice.select_option("")
    studio.settle(page)
    assert studio.experiment(page).settings.data.column_types == {}
    assert studio.experiment(page).data.feature_names == ("size", "zip", "color")
    page.get_by_label("Type of zip").focus()
    page.keyboard.press("c")
    studio.settle(page)
    assert studio.experiment(page).settings.data.column_types == {"zip": "category"}
    open_file(studio, page, write_table(tmp_path / "parts.csv"))
    assert studio.experiment(page).settings.data.column_types == {}


def test_warnings_about_the_data_are_on_the_page(studio, tmp_path):
    page = studio.open(SMALL)
    path = tmp_path / "rare.csv"
    rows = [f"{i % 7},{i % 5},{'xy'[i % 2]},{'c' if i == 9 else 'ab'[i % 2]}" for i in range(40)]
    path.write_text("n,m,color,kind\n" + "\n".join(rows) + "\n")
    open_file(studio, page, path)
    text = page.get_by_test_id("data_messages").inner_text()
    assert "the class 'c' has a single row, which cannot be both learned and tested" in text


def test_columns_of_a_wide_table_are_found_by_a_part_of_their_name(studio, tmp_path):
    """Oracle: counting: of the columns c0 to c119, c11 and c110 to c119 have the part C11."""
    page = studio.open(SMALL)
    path = tmp_path / "wide.csv"
    names = [*(f"c{i}" for i in range(120)), "kind"]
    numbers = np.random.default_rng(0).normal(size=(30, 120)).round(2)
    rows = [",".join([*map(str, row), "ab"[i % 2]]) for i, row in enumerate(numbers)]
    path.write_text("\n".join([",".join(names), *rows]) + "\n")
    open_file(studio, page, path)
    columns = page.locator(".columns-list li")
    assert columns.count() == 100
    assert page.get_by_test_id("n_columns").inner_text() == "100 of 120 columns are listed."
    page.get_by_test_id("find_column").fill("C11")
    assert columns.count() == 11
    page.locator('select[data-column="c117"]').select_option("drop")
    studio.settle(page)
    assert len(studio.experiment(page).data.feature_names) == 119
    assert columns.count() == 11


def test_a_very_long_name_of_a_column_does_not_widen_the_page(studio, tmp_path):
    page = studio.open(SMALL)
    names = ("x" * 3000, "y" * 3000, "kind")
    open_file(studio, page, write_table(tmp_path / "long.csv", names))
    assert studio.experiment(page).data.feature_names == names[:2]
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_points_are_drawn_by_touch(studio):
    """Oracle: the places that the finger touched, in the range of the square."""
    page = studio.open(SMALL, has_touch=True)
    page.get_by_test_id("draw").tap()
    pad = page.get_by_test_id("pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    for x, y in [(0.25, 0.25), (0.75, 0.5)]:
        page.touchscreen.tap(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.get_by_test_id("class_1").tap()
    page.touchscreen.tap(box["x"] + 0.5 * box["width"], box["y"] + 0.75 * box["height"])
    assert page.get_by_test_id("n_drawn").get_attribute("data-value") == "3"
    wait_until(lambda: studio.experiment(page).settings.data.name == "points")
    points = studio.experiment(page).settings.data.points
    assert [point.label for point in points] == [0, 0, 1]
    (x0, y0), (x1, y1), _ = [(point.x1, point.x2) for point in points]
    assert x0 < 0 < y0
    assert x1 == pytest.approx(-x0, rel=0.05)
    assert y1 == pytest.approx(0, abs=0.05 * y0)
