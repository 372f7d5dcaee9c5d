"""The page as one module and one style sheet, as a notebook's widget needs it.

The modules stay as they are. The one module has their sources as texts, makes a blob: address of
each, and imports the one that renders the widget. Nothing is loaded from a network.
"""

from __future__ import annotations

import json
import posixpath
import re
from graphlib import TopologicalSorter
from pathlib import Path
from urllib.parse import quote

STATIC = Path(__file__).parent / "static"

ENTRY = "app/notebook.mjs"
"""The module that renders the widget."""

PICTURE = re.compile(r'url\("(\w+\.svg)"\)')

STYLE_SHEET = re.compile(r'<link rel="stylesheet" href="static/([^"]+)">')

IMPORT = re.compile(r'^((?:import|export)\b[^;"]*?"|\} from ")(\.{1,2}/[^"]+)"', re.MULTILINE)
"""An import of another module: what stands before its path, and the path."""

MODULE = """\
const sources = {sources};
const addresses = {{}};
for (const [name, source] of sources) {{
  const text = source.replace(/"module:([^"]+)"/g, (_, other) => JSON.stringify(addresses[other]));
  addresses[name] = URL.createObjectURL(new Blob([text], {{ type: "text/javascript" }}));
}}
const {{ render }} = await import(addresses[{entry}]);
Object.values(addresses).forEach((address) => URL.revokeObjectURL(address));
export default {{ render }};
"""


def make_module(static: Path = STATIC) -> str:
    """Return the text of one JavaScript module with all modules of the page that it needs."""
    sources: dict[str, str] = {}
    graph: dict[str, list[str]] = {}
    waiting = [ENTRY]
    while waiting:
        name = waiting.pop()
        if name in graph:
            continue
        text = (static / name).read_text(encoding="utf-8")
        graph[name] = [resolve_path(name, path) for _, path in IMPORT.findall(text)]
        waiting += graph[name]
        sources[name] = name_imports(name, text)
    ordered = [(name, sources[name]) for name in TopologicalSorter(graph).static_order()]
    return MODULE.format(sources=json.dumps(ordered), entry=json.dumps(ENTRY))


def name_imports(name: str, text: str) -> str:
    """Return a module's text with the names of other modules instead of their paths.

    Example:
        >>> name_imports("app/a.mjs", 'import { x } from "../vendor/b.mjs";')
        'import { x } from "module:vendor/b.mjs";'
    """
    return IMPORT.sub(lambda match: f'{match[1]}module:{resolve_path(name, match[2])}"', text)


def resolve_path(name: str, path: str) -> str:
    """Return the name of the module that another imports by a path.

    Example:
        >>> resolve_path("app/a.mjs", "./b.mjs")
        'app/b.mjs'
    """
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), path))


def make_styles(static: Path = STATIC) -> str:
    """Return the style sheets that the page names, with their pictures in them."""
    names = STYLE_SHEET.findall((static / "index.html").read_text(encoding="utf-8"))
    text = "\n".join((static / name).read_text(encoding="utf-8") for name in names)

    def embed(match: re.Match[str]) -> str:
        return f'url("data:image/svg+xml,{quote((static / match[1]).read_text(encoding="utf-8"))}")'

    return PICTURE.sub(embed, text)
