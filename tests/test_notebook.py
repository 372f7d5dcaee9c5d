"""What a notebook shows: it is executed by Jupyter's kernel, and looked at in Chromium."""

import base64
import io
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from glassnet.plots.curves import TRAINING_COLOR
from glassnet.plots.forecasts import FORECAST_STYLES

pytestmark = pytest.mark.slow

SETUP = """
import numpy as np
import glassnet as gn
xor = gn.datasets.load("xor")
layers = [gn.layers.Dense(128, activation="relu"), gn.layers.Dense(10, activation="softmax")]
model = gn.Sequential([gn.layers.Flatten(), *layers], seed=0)
digits = gn.datasets.load("digits")
history = model.fit(digits.x, digits.y, epochs=3, verbose=0)
"""
POINT_COLOR = "#e28e4d"
"""The color of class 1, #d55e00, at the points' opacity 0.7 on white."""
FORECAST = """
from glassnet.plots.forecasts import plot_forecast
curves = {"forecast": np.ones(3), "naive": np.zeros(3)}
plot_forecast("y", list("abcdef"), np.arange(3.0), curves, 2, None)
"""
SMALL_TRACE = """
small = gn.Sequential([gn.layers.Dense(1, activation="sigmoid")], seed=0)
small.trace(xor.x, xor.y)
"""
CELLS = [
    SETUP,
    "history.plot()",
    "xor.plot()",
    FORECAST,
    "model.trace(digits.x[:1], digits.y[:1])",
    SMALL_TRACE,
    "%matplotlib inline\nhistory.plot()",
]
LOOK = """<script>window.onload = () => {
const box = e => {
  const r = e.getBoundingClientRect(), output = e.closest(".jp-OutputArea-output");
  return [r.left, r.right, r.height, output.scrollWidth - output.clientWidth];
};
const pictures = [...document.images].map(e => [e.complete, e.naturalWidth, ...box(e)]);
const traces = [...document.querySelectorAll("table.gn-trace")].map(
  e => [e.caption.innerText, ...box(e),
    getComputedStyle(e.rows[1].cells[0]).textAlign, e.innerText]);
const seen = document.createElement("pre");
seen.id = "seen";
seen.textContent = JSON.stringify({pictures, traces});
document.body.append(seen);
}</script>"""
WIDTH = 1000


@pytest.fixture(scope="module")
def notebook():
    """The notebook after all cells have run."""
    nbformat = pytest.importorskip("nbformat", reason="Jupyter's nbconvert is not installed")
    nbclient = pytest.importorskip("nbclient", reason="Jupyter's nbconvert is not installed")
    pytest.importorskip("ipykernel", reason="Jupyter's kernel is not installed")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in CELLS])
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    return notebook


def read_pictures(cell):
    return [
        Image.open(io.BytesIO(base64.b64decode(output["data"]["image/png"]))).convert("RGB")
        for output in cell["outputs"]
        if "image/png" in output.get("data", {})
    ]


def count_pixels(picture, color):
    rgb = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return int((np.abs(np.asarray(picture, int) - rgb).max(-1) < 12).sum())


@pytest.mark.parametrize(
    ("cell", "color"),
    [
        (1, TRAINING_COLOR),
        (2, POINT_COLOR),
        (3, FORECAST_STYLES[0]["color"]),
        (6, TRAINING_COLOR),
    ],
    ids=["learning curves", "dataset", "forecast", "matplotlib inline"],
)
def test_a_figure_on_the_last_line_is_one_picture(notebook, cell, color):
    """Oracle: the color of a curve or a class is in the picture."""
    (picture,) = read_pictures(notebook.cells[cell])
    assert picture.width > 300
    assert count_pixels(picture, color) > 50


def test_a_trace_is_a_table(notebook):
    """Oracle: the text that the same output holds for a terminal."""
    for cell in notebook.cells[4:6]:
        (output,) = cell["outputs"]
        title = output["data"]["text/plain"].splitlines()[0]
        assert f"<caption>{title}</caption>" in output["data"]["text/html"]


@pytest.fixture(scope="module")
def page(notebook, tmp_path_factory):
    """The notebook's HTML page: what Chromium measures on it, and its screenshot."""
    nbconvert = pytest.importorskip("nbconvert", reason="Jupyter's nbconvert is not installed")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    html, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    folder = tmp_path_factory.mktemp("notebook")
    file, screenshot = folder / "notebook.html", folder / "notebook.png"
    # The page's own scripts would be loaded from the web, and are not needed to show outputs.
    html = re.sub(r'<script[^>]* src="http[^>]*></script>', "", html)
    file.write_text(html.replace("</head>", f"{LOOK}</head>"), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000"]
    options += [f"--window-size={WIDTH},4000", f"--user-data-dir={folder / 'profile'}"]
    command = [chromium, *options]
    dom = subprocess.run(
        [*command, "--dump-dom", file.as_uri()], capture_output=True, text=True, timeout=120
    ).stdout
    subprocess.run(
        [*command, f"--screenshot={screenshot}", file.as_uri()], capture_output=True, timeout=120
    )
    (seen,) = re.findall(r'<pre id="seen">(.*?)</pre>', dom, re.S)
    return json.loads(seen), Image.open(screenshot).convert("RGB")


def test_chromium_shows_every_figure_within_the_page(page):
    """Oracle: Chromium's own layout, and the colors in its screenshot."""
    seen, screenshot = page
    assert len(seen["pictures"]) == 4
    for complete, natural_width, left, right, height, hidden in seen["pictures"]:
        assert complete
        assert natural_width > 300
        assert 0 <= left < right <= WIDTH
        assert height > 200
        assert hidden == 0  # no scroll bar
    assert count_pixels(screenshot, TRAINING_COLOR) > 100
    assert count_pixels(screenshot, POINT_COLOR) > 100


def test_chromium_shows_a_trace_of_128_units_within_the_page(page):
    """Oracle: Chromium's own layout. The table has a title, the target and ranges."""
    seen, _ = page
    for caption, left, right, height, hidden, alignment, _ in seen["traces"]:
        assert alignment == "left"  # not Jupyter's own style of tables
        assert caption.startswith("Trace of ")
        assert 0 <= left < right <= WIDTH
        assert 100 < height < 700
        assert hidden == 0  # no scroll bar
    (_, *_, text), (_, *_, small) = seen["traces"]
    assert "64x128: " in text
    assert re.search(r"target y = \d", text)
    assert "target y = 0 1 1 0" in small
