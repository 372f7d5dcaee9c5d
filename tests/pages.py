"""Tables of the pages in docs/, read so that tests can run them row by row."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def table(page, heading):
    """The rows below a heading of a page, each cell reduced to the first code in it."""
    section = (DOCS / page).read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")][2:]
    return [[(re.findall(r"`([^`]+)`", cell) or [""])[0] for cell in row] for row in rows]
