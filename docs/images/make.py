"""Draw the pictures of README.md and docs/trace.md from what Glassnet prints and plots.

`python docs/images/make.py` writes them beside this file.
"""

import contextlib
import io
import re
import tempfile
from pathlib import Path

from click.testing import CliRunner
from matplotlib import rc_context
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

import glassnet as gn
from glassnet.cli import main

HERE = Path(__file__).parent
README = HERE.parents[1] / "README.md"
COMMAND = "glassnet trace xor --layers 2"
WIDTH = 84
THEME = TerminalTheme((22, 27, 34), (230, 237, 243), [(22, 27, 34)] * 8)
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
HEADER, COLUMNS = "forward ↓", ("#7ee787", "#ffa657", "#79c0ff")


def trace():
    """Return `COMMAND` and its output as SVG, with one colour for each column of numbers."""
    printed = (
        CliRunner().invoke(main, COMMAND.split()[1:], catch_exceptions=False).stdout.rstrip("\n")
    )
    lines = printed.split("\n")
    (header,) = [line for line in lines if HEADER in line]
    starts = [found.start() for found in re.finditer(r"\S+(?: \S+)*", header)]
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ {COMMAND}", style="bold"))
    for line in lines:
        text = Text(line)
        if line.startswith("─"):
            text.stylize("#9da7b3")
        elif line == header or re.match(r"\S{1,2} +\[|  +\[", line):
            for color, start, end in zip(COLUMNS, starts, [*starts[1:], WIDTH], strict=True):
                text.stylize(color, start, end)
        console.print(text)
    picture = console.export_svg(title="Glassnet", theme=THEME)
    picture = re.sub(
        r"@font-face \{.*?\}\n\s*", "", picture, flags=re.S
    )  # a picture on a web page may not load fonts
    return picture.replace("Fira Code, monospace", FONTS)


def training():
    """Return the figure of the code in README.md as SVG: the learning curves of a network that
    overfits.
    """
    code = re.search(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)[1]
    names = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        exec(code, names)
    return to_svg(names["model"].history.plot)


def backpropagation():
    """Return the figure of the trace that `COMMAND` prints as SVG."""
    return to_svg(make_trace().plot)


def make_trace():
    """Return the trace that `COMMAND` prints."""
    data = gn.datasets.load("xor")
    layers = [gn.layers.Dense(n, activation="sigmoid") for n in (2, 1)]
    model = gn.Sequential(layers, seed=0)
    model.compile("sgd", "binary_crossentropy")
    return model.trace(data.x[3:], data.y[3:])


def to_svg(draw):
    """Return the figure that a function draws as SVG, the same at each call."""
    drawn = io.StringIO()
    with rc_context({"svg.hashsalt": "glassnet"}):
        draw().savefig(drawn, format="svg", metadata={"Date": None})
    return drawn.getvalue()


if __name__ == "__main__":
    for draw in (trace, training, backpropagation):
        picture = re.sub(r"[ \t]+$", "", draw(), flags=re.M)
        (HERE / f"{draw.__name__}.svg").write_text(picture.rstrip("\n") + "\n", encoding="utf-8")
