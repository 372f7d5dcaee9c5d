"""Colours of the classes, of which the studio allows many.

Oracle: distances in CIELAB, written here from its definition, as the eye sees the colours and as
Machado, Oliveira and Fernandes (2009) simulate the three kinds of colour blindness. Two colours that
differ by 2.3 can just be told apart side by side.
"""

import re
from pathlib import Path

import numpy as np
import pytest
from studio_pages import wait_until
from test_own_data_view import open_file
from test_time_bar import SMALL

import glassnet.studio_app
from glassnet.studio_app.own_data import MAX_CLASSES

COLORS = Path(glassnet.studio_app.__file__).parent / "static/app/colors.mjs"
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
EYES = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
BACKGROUNDS = np.array([[255, 255, 255], [21, 27, 36]])  # light and dark
LEAST = {10: (26, 16), 20: (26, 11), MAX_CLASSES: (15, 5)}
"""Least distance for usual eyes and for others, of the first colours."""


RECORD = """
const write = CanvasRenderingContext2D.prototype.fillText;
window.texts = {};
CanvasRenderingContext2D.prototype.fillText = function (...all) {
  (texts[this.canvas.dataset.testid] ??= []).push(all[0]);
  write.apply(this, all);
};
"""
"""Notes the texts on each canvas."""


def read_colors():
    text = re.search(r"CLASSES = `(.*?)`", COLORS.read_text(), re.DOTALL)[1]
    return np.array([[int(word[i : i + 2], 16) for i in (0, 2, 4)] for word in text.split()])


def to_lab(rgb, eye):
    """Return L*, a* and b* of colours of sRGB, 0 to 255, as an eye sees them."""
    share = rgb / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ eye.T, 0, 1)
    ratio = (seen @ TO_XYZ.T) / TO_XYZ.sum(axis=1)
    root = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    x, y, z = root.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def find_least_distance(rgb, eye):
    lab = to_lab(rgb, eye)
    distances = np.linalg.norm(lab[:, None] - lab, axis=2)
    return distances[np.triu_indices(len(rgb), 1)].min()


@pytest.mark.parametrize("n", LEAST)
def test_colours_of_classes_stay_apart(n):
    colors = read_colors()
    assert len(colors) == MAX_CLASSES
    usual, other = LEAST[n]
    for name, eye in EYES.items():
        assert find_least_distance(colors[:n], eye) > (usual if name == "usual" else other), name


def test_colours_of_classes_differ_from_the_page():
    lab, pages = (to_lab(rgb, EYES["usual"]) for rgb in (read_colors(), BACKGROUNDS))
    assert np.linalg.norm(lab[:, None] - pages, axis=2).min() > 20


def write_classes(path, n_classes):
    """Write a CSV file of a grid of clouds, one for each class."""
    rng, rows = np.random.default_rng(0), ["a,b,kind"]
    for i in range(10 * n_classes):
        k = i % n_classes
        a, b = rng.normal(scale=0.2, size=2) + (k % 4, k // 4)
        rows.append(f"{a:.3f},{b:.3f},kind {k:02d}")
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize(("n", "expected"), [(10, "kind 07"), (12, "7\nkind 07")])
def test_more_than_ten_classes_have_numbers(studio, tmp_path, n, expected):
    """Oracle: the legend, and the texts that the page writes on the map and on the points."""
    page = studio.open(SMALL, init_script=RECORD)
    open_file(studio, page, write_classes(tmp_path / "kinds.csv", n))
    wait_until(lambda: page.get_by_test_id("class").count() == n)
    assert page.get_by_test_id("class").nth(7).inner_text() == expected
    page.get_by_test_id("epoch").click()
    studio.settle(page)
    numbers = {str(k) for k in range(n)} if n > 10 else set()
    texts = page.evaluate("texts")
    assert set(texts.get("points", ())) == numbers
    assert set(texts.get("output_map", ())) <= numbers
    assert bool(texts.get("output_map")) == bool(numbers)
    colors = page.locator('[data-testid="class"] .swatch')
    found = colors.evaluate_all("all => all.map((one) => getComputedStyle(one).backgroundColor)")
    assert found == [f"rgb({r}, {g}, {b})" for r, g, b in read_colors()[:n]]
