"""Pages with a slider. Oracles: the frames that were passed in, and Chromium as a reader."""

import re

import numpy as np
import pytest

from browser import run_script, take_screenshot
from glassnet.errors import ConfigError
from glassnet.inspection.animation import Frame, require_page_path, write_animation
from glassnet.plots import svg
from glassnet.plots.figure import NotebookFigure, to_png

CAPTIONS = ["the start", "a <b>step</b> & more", "the end"]
RED = "#ff0000"

DRIVE = """
const state = () => [document.querySelector(".frame:not([hidden]) figcaption").textContent,
  [...document.querySelectorAll("[data-first]")].map(part => part.style.display !== "none"),
  document.getElementById("position").textContent, document.getElementById("play").textContent];
const press = key => document.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
const slide = value => { slider.value = value; slider.dispatchEvent(new Event("input")); };
const states = {opened: state()};
slide(1), states.slider = state();
press("ArrowRight"), press("ArrowRight"), states.arrows = state();
press("ArrowLeft"), states.back = state();
press("Home"), press(" "), states.playing = state();
setTimeout(() => { states.played = state(); send(states); }, 6000);
"""


def make_picture():
    """An SVG with a line that appears at frame 1 and a point of frame 1 alone."""
    with svg.page_style():
        figure = NotebookFigure(figsize=(4, 3))
        axes = figure.add_subplot()
        svg.show_in_frames(axes.plot([0, 1], color=RED, lw=20)[0], 1)
        svg.show_in_frames(axes.plot([1], "o")[0], 1, 1)
        axes.set_title("<script>alert(1)</script>")
        return svg.to_svg(figure)


@pytest.fixture(scope="module")
def shared_page(tmp_path_factory):
    """A page whose frames share one SVG."""
    path = require_page_path("test", tmp_path_factory.mktemp("animation") / "shared.html")
    frames = [Frame(caption) for caption in CAPTIONS]
    title = "<script>throw 1</script>"
    write_animation(path, frames, title=title, picture=make_picture(), first_number=0)
    return path


def test_texts_are_escaped_and_nothing_is_requested(shared_page):
    text = shared_page.read_text(encoding="utf-8")
    assert text.count("<script>") == 1  # the page's own
    assert "a &lt;b&gt;step&lt;/b&gt; &amp; more" in text
    assert re.findall(r'(?:src|href|action)="(?!#|data:)', text) == []
    assert "default-src 'none'" in text


def test_without_javascript_the_last_frame_is_shown(shared_page):
    text = shared_page.read_text(encoding="utf-8")
    assert len(re.findall(r'class="frame"[^>]* hidden>', text)) == len(CAPTIONS) - 1
    assert 'data-first="1" data-last="2">' in text
    assert 'data-first="1" data-last="1" style="display: none">' in text


def test_every_frame_can_have_a_picture(tmp_path):
    figure = NotebookFigure(figsize=(1, 1))
    pictures = [make_picture(), make_picture(), to_png(figure)]
    path = require_page_path("test", tmp_path / "own.html")
    frames = [Frame("caption", picture, alt=f"alt {i}") for i, picture in enumerate(pictures)]
    write_animation(path, frames, title="own")
    text = path.read_text(encoding="utf-8")
    ids = re.findall(r'\bid="(f\d-[^"]+)"', text)
    assert ids
    assert len(ids) == len(set(ids))  # two SVGs of one page share no name
    assert set(re.findall(r"url\(#(f\d-[^)]+)\)", text)) <= set(ids)
    assert re.search(r'<img src="data:image/png;base64,[^"]+" alt="alt 2">', text)
    assert [path.name for path in tmp_path.iterdir()] == ["own.html"]


@pytest.mark.slow
def test_chromium_moves_through_the_frames(shared_page, tmp_path):
    """Oracle: the captions and the frames of the two parts."""
    problems, states = run_script(shared_page, tmp_path, DRIVE)
    assert problems == []
    start, middle, end = (
        [caption, shown, f"step {i} of 2"]
        for i, (caption, shown) in enumerate(
            zip(CAPTIONS, [[False, False], [True, True], [True, False]], strict=True)
        )
    )
    assert states == {
        "opened": [*start, "Play"],
        "slider": [*middle, "Play"],
        "arrows": [*end, "Play"],
        "back": [*middle, "Play"],
        "playing": [*start, "Pause"],
        "played": [*end, "Play"],
    }


@pytest.mark.slow
def test_a_page_that_asks_for_a_file_is_noticed(shared_page, tmp_path):
    """The check of requests is tested on a page that makes one."""
    script = "const i = new Image(); i.src = 'https://example.org/x.png';"
    problems, _ = run_script(shared_page, tmp_path, script + "setTimeout(() => send(1), 500)")
    assert problems == ["https://example.org/x.png"]


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
def test_the_screenshot_has_the_colors_of_the_system(shared_page, tmp_path, dark):
    """Oracle: the colors of the template; the red line is there from frame 1 on."""
    red, paper = [255, 0, 0], [22, 24, 28] if dark else [255, 255, 255]
    counts = []
    for fragment in ("#0", "#1"):
        pixels = np.asarray(take_screenshot(shared_page, tmp_path, fragment, dark=dark))
        np.testing.assert_array_equal(pixels[0, 0], paper)
        counts.append(int((pixels == red).all(-1).sum()))
    assert counts[0] == 0
    assert counts[1] > 1000


def test_paths_are_checked_before_the_work(tmp_path):
    with pytest.raises(ConfigError, match=r"ending in \.html\. Received: .* Use 'cycle\.html'"):
        require_page_path("animate", tmp_path / "cycle.mp4")
    with pytest.raises(ConfigError, match=r"animate: expected a file that can be written.*No such"):
        require_page_path("animate", tmp_path / "missing" / "cycle.html")
