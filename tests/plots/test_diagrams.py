"""Diagrams of models. Oracle: relations of the drawing: nothing overlaps, nothing is cut off."""

import itertools

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from glassnet.errors import ConfigError
from glassnet.plots.diagrams import Box, Branches, draw_diagram, require_drawable

WIDE = Box("a layer with a long name (GlobalAveragePooling2D)", ("Output shape: (None, 100)",))
SMALL = Box("Dense")
TALL = Box("Conv2D", tuple(f"line {i}: gjpqy" for i in range(5)))
CHAINS = {
    "one": [SMALL],
    "three": [SMALL, WIDE, TALL],
    "twenty": [TALL, WIDE] * 10,
    "skip": [SMALL, Branches(((), (WIDE, SMALL)), Box("Add")), SMALL],
    "skips": [
        Branches(((), (SMALL,)), Box("Add", ("x",))),
        Branches(((SMALL,), ()), Box("A box that is wider than its branches")),
    ],
    "nested": [
        SMALL,
        Branches(
            (
                (),
                (TALL, Branches(((WIDE,), (SMALL, SMALL)), Box("Concatenate"))),
                (Branches(((), (TALL,)), Box("Add")), SMALL),
                (SMALL,),
            ),
            Box("Concatenate"),
        ),
        WIDE,
    ],
}


def count_boxes(chain):
    return sum(
        1 if isinstance(part, Box) else 1 + sum(map(count_boxes, part.branches)) for part in chain
    )


def extents(figure):
    """Return the extents of the frames and the texts, and of the figure, in pixels."""
    figure.canvas.draw()
    (ax,) = figure.axes
    frames = [patch for patch in ax.patches if isinstance(patch, Rectangle)][::2]
    texts = [text for text in ax.texts if text.get_text()]
    boxes = [[each.get_window_extent() for each in some] for some in (frames, texts)]
    return *boxes, figure.bbox


def is_inside(inner, outer):
    return (
        outer.x0 <= inner.x0 and inner.x1 <= outer.x1 and outer.y0 <= inner.y0
        and inner.y1 <= outer.y1
    )  # fmt: skip


@pytest.mark.parametrize("direction", ["TB", "LR", "BT", "RL"])
@pytest.mark.parametrize("name", CHAINS)
def test_nothing_overlaps_and_nothing_is_cut_off(name, direction):
    figure = draw_diagram(CHAINS[name], direction)
    frames, texts, page = extents(figure)
    assert len(frames) == count_boxes(CHAINS[name])
    assert all(is_inside(each, page) for each in frames)
    assert not [pair for pair in itertools.combinations(frames, 2) if pair[0].overlaps(pair[1])]
    for text in texts:
        assert sum(is_inside(text, frame) for frame in frames) == 1
    assert not [pair for pair in itertools.combinations(texts, 2) if pair[0].overlaps(pair[1])]


@pytest.mark.parametrize("name", CHAINS)
def test_lines_do_not_cross_boxes(name):
    """Each piece of a line is outside of all frames, apart from its ends on their border."""
    figure = draw_diagram(CHAINS[name])
    frames, _, page = extents(figure)
    (ax,) = figure.axes
    assert len(ax.lines) >= len(frames) - 1
    for line in ax.lines:
        points = ax.transData.transform(np.column_stack(line.get_data()))
        assert all(page.contains(*point) for point in points)
        for start, end in itertools.pairwise(points):
            inner = start + (end - start) * np.linspace(0.02, 0.98, 50)[:, None]
            assert not [1 for box in frames for x, y in inner if box.padded(-1.0).contains(x, y)]


@pytest.mark.parametrize(
    ("direction", "axis", "sign"), [("TB", 1, -1), ("BT", 1, 1), ("LR", 0, 1), ("RL", 0, -1)]
)
def test_the_direction_of_the_arrows(direction, axis, sign):
    frames, _, _ = extents(draw_diagram(CHAINS["three"], direction))
    centers = [(frame.x0 + frame.x1, frame.y0 + frame.y1) for frame in frames]
    assert (np.diff([center[axis] for center in centers]) * sign > 0).all()
    np.testing.assert_allclose(np.diff([center[1 - axis] for center in centers]), 0, atol=0.01)


def test_a_branch_has_an_arrow_into_each_box():
    """Two boxes in branches and the merge have an arrow each; the skip has none."""
    figure = draw_diagram([Branches(((), (SMALL,), (TALL,)), Box("Add"))])
    arrows = [text for text in figure.axes[0].texts if not text.get_text()]
    assert len(arrows) == 3


def test_errors():
    with pytest.raises(ConfigError, match="rankdir: expected one of TB, BT, LR, RL"):
        draw_diagram([SMALL], "down")
    figure = draw_diagram(CHAINS["twenty"])
    with pytest.raises(ConfigError, match=r"at most 65535 pixels.*Pass dpi=\d+, or write an .svg"):
        require_drawable(figure, 10_000)
    require_drawable(figure, 200)
