"""Draw the pictures of docs/gallery.md: `python docs/images/gallery.py`.

The code blocks of the page run in order, as in a notebook. If a picture follows a block, the value
of the block's last line is drawn into its file.
"""

import ast
import io
import re
import sys
from pathlib import Path

from PIL import Image

PAGE = Path(__file__).parents[1] / "gallery.md"
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n!\[[^\]]*\]\(([^)]+)\))?", re.M | re.S)
DPI = 90


def blocks(page):
    """Return the code blocks of a page, each with the path of its picture or an empty text."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def run(code, names):
    """Run a block and return the value of its last line; None if that is a statement."""
    *statements, last = ast.parse(code).body
    exec(compile(ast.Module(statements, []), str(PAGE), "exec"), names)
    if not isinstance(last, ast.Expr):
        exec(compile(ast.Module([last], []), str(PAGE), "exec"), names)
        return None
    return eval(compile(ast.Expression(last.value), str(PAGE), "eval"), names)


def figures(page=PAGE):
    """Run a page, and yield the path of each picture with its figure."""
    names = {}
    for code, path in blocks(page):
        value = run(code, names)
        if path:
            yield path, value


def save(figure, path):
    """Write a figure as a PNG file."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=DPI)
    path.parent.mkdir(exist_ok=True)
    Image.open(picture).convert("RGB").save(path, optimize=True)


if __name__ == "__main__":
    wanted = sys.argv[1:]
    for path, figure in figures():
        if not wanted or Path(path).stem in wanted:
            save(figure, PAGE.parent / path)
            print(path)
