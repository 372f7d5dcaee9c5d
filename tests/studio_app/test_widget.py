"""The studio in the cell of a notebook, without a notebook: its page and its messages.

Oracles: the files of the page; the messages that the widget sends to its views. Below the kernel,
test_widget_in_jupyterlab.py shows it in a browser.
"""

import importlib
import json
import re
import sys
import threading
import types
from contextlib import closing
from urllib.parse import quote

import numpy as np
import pytest
from session_page import read

import glassnet as gn
from glassnet.errors import ConfigError, DataError
from glassnet.studio_app import launch, widget
from glassnet.studio_app.notebook_page import ENTRY, STATIC, make_module, make_styles

X = np.random.default_rng(0).normal(size=(40, 2)).astype("float32")
Y = (X[:, 0] > 0).astype(int)


def make_model():
    model = gn.Sequential([gn.layers.Dense(3, "tanh"), gn.layers.Dense(1, "sigmoid")], seed=0)
    model.compile("sgd", "binary_crossentropy")
    return model


class Views:
    """The views of a widget: what they receive, and what they send."""

    def __init__(self, monkeypatch):
        self.messages, self._arrived = [], threading.Condition()
        monkeypatch.setattr(gn.Studio, "send", self._receive, raising=False)

    def _receive(self, content, buffers=None):
        with self._arrived:
            if buffers:
                assert content == {"frame": True}
                self.messages.append((None, *read(buffers[0])))
            else:
                self.messages.append((content.get("view"), json.loads(content["text"]), {}))
            self._arrived.notify_all()

    def wait(self, kind, count=1, target=None):
        """Return the message of a type, the first or a later one, as (view, header, arrays).

        With `target`, only states of data with this target count.
        """

        def is_meant(header):
            return header["type"] == kind and target in (
                None,
                header.get("data", {}).get("target_name"),
            )

        def find():
            found = [each for each in self.messages if is_meant(each[1])]
            return found[count - 1] if len(found) >= count else None

        with self._arrived:
            assert self._arrived.wait_for(find, 60), [each[1]["type"] for each in self.messages]
            return find()


@pytest.fixture
def views(monkeypatch):
    return Views(monkeypatch)


def sources():
    """Return the modules in the one module, as pairs of name and text, in their order."""
    text = make_module()
    return json.loads(text[len("const sources = ") : text.index(";\nconst addresses")])


def test_the_module_has_every_module_of_the_page_after_those_that_it_imports():
    """Oracle: the files, and a search for imports that is not that of the code."""
    names = [name for name, _ in sources()]
    files = {path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.mjs")}
    assert set(names) == files - {"app/main.mjs", "app/transport.mjs"}
    for i, (name, text) in enumerate(sources()):
        original = (STATIC / name).read_text(encoding="utf-8")
        imported = re.findall(r'"module:([^"]+)"', text)
        assert set(imported) <= set(names[:i]), name
        assert len(imported) == len(re.findall(r'from\s*"\.\.?/', original)), name
        assert not re.search(r'(from|import)\s*\(?\s*["\']\.', text), name
    assert names[-1] == ENTRY


def test_a_circle_of_imports_is_found(tmp_path):
    """Each module needs the address of those that it imports."""
    (tmp_path / "app").mkdir()
    (tmp_path / ENTRY).write_text('import { a } from "./a.mjs";')
    (tmp_path / "app/a.mjs").write_text('import { b } from "./notebook.mjs";')
    with pytest.raises(ValueError, match="cycle"):
        make_module(tmp_path)


def test_the_widget_loads_nothing_from_a_network():
    text = gn.Studio._esm + gn.Studio._css
    addresses = set(re.findall(r"https?://[\w./-]+", text))
    assert {each for each in addresses if "www.w3.org" not in each} <= {
        "https://anywidget.dev/en/afm",  # in a comment
        *re.findall(r"https?://[\w./-]+", (STATIC / "vendor/uplot.mjs").read_text()),
        *re.findall(
            r"https?://[\w./-]+", (STATIC / "vendor/htm-preact-standalone.mjs").read_text()
        ),
    }
    assert "@import" not in gn.Studio._css
    assert not re.search(r"url\((?!['\"]?data:)", gn.Studio._css)


def test_the_styles_are_those_of_the_page():
    """Oracle: the files of the folder; pictures are in the text."""
    address = re.compile(r"url\([^)]*\)")
    styles = make_styles()
    for path in STATIC.rglob("*.css"):
        assert address.sub("", path.read_text(encoding="utf-8")) in address.sub("", styles), path
    icon = quote((STATIC / "icon.svg").read_text(encoding="utf-8"))
    assert f'url("data:image/svg+xml,{icon}")' in styles


def test_styles_of_the_widget_touch_no_other_part_of_the_notebook():
    """Oracle: every selector names the studio, or uPlot, which is in it."""
    text = re.sub(r"/\*.*?\*/", "", make_styles(), flags=re.DOTALL)
    for selectors in re.findall(r"([^{}]+)\{", text):
        for each in re.sub(r"\([^()]*(\([^()]*\))?[^()]*\)", "", selectors).split(","):
            is_rule = each.strip().startswith(("@", "from", "to")) or "%" in each
            is_own = "glassnet" in selectors or ".uplot" in each or ".u-" in each
            assert is_rule or is_own, selectors


def test_a_view_gets_the_welcome_and_opens_the_session(views):
    with closing(gn.Studio(make_model(), X, Y)) as studio:
        studio._receive(studio, {"hello": "first"}, [])
        view, welcome, _ = views.wait("welcome")
        assert (view, welcome["resumed"], welcome["lesson"]) == ("first", False, None)
        assert "moons" in [each["name"] for each in welcome["catalog"]["datasets"]]
        studio._receive(studio, {"text": '{"type": "open"}'}, [])
        _, state, _ = views.wait("state")
        assert state["data"]["n_train"] + state["data"]["n_test"] == 40
        _, picture, arrays = views.wait("picture")
        assert (picture["step"], arrays["weights"].shape) == (0, (13,))  # 2 x 3 + 3 + 3 + 1
        studio._receive(studio, {"hello": "second"}, [])  # the output is shown twice
        view, welcome, _ = views.wait("welcome", 2)
        assert (view, welcome["resumed"]) == ("second", True)
        assert views.wait("picture", 2)[1]["step"] == 0


def test_an_upload_comes_in_a_buffer(views):
    from glassnet.studio_app.frames import pack_frame

    with closing(gn.Studio(make_model(), X, Y)) as studio:
        body = b"a,b,label\n" + b"".join(b"%d,%d,%d\n" % (i, i % 3, i % 2) for i in range(30))
        head = pack_frame({"type": "upload", "name": "mine.csv"}, {})
        studio._receive(studio, {"frame": True}, [memoryview(head + body)])
        data = views.wait("state", target="label")[1]["data"]
        assert data["n_train"] + data["n_test"] == 30


def test_a_session_without_views_is_paused(views):
    with closing(gn.Studio(make_model(), X, Y)) as studio:
        events = []
        studio._session.pause = lambda: events.append("pause")
        for name in ("first", "second"):
            studio._receive(studio, {"hello": name}, [])
        studio._receive(studio, {"bye": "first"}, [])
        assert events == []
        studio._receive(studio, {"bye": "second"}, [])
        assert events == ["pause"]


def test_the_model_stays_as_it_is(views):
    model = make_model()
    model.fit(X, Y, epochs=1, verbose=0)
    before = [np.array(each) for each in model.get_weights()]
    with closing(gn.Studio(model, X, Y)) as studio:
        studio._receive(studio, {"text": '{"type": "step", "n": 5}'}, [])
        assert views.wait("picture", 2)[1]["step"] == 7  # 2 steps of the epoch, and 5
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def run_in_cell(monkeypatch, cell, execution):
    """Let code run as in the cell of a notebook."""
    parent = {"metadata": {"cellId": cell}, "header": {"msg_id": execution}}
    shell = types.SimpleNamespace(get_parent=lambda: parent)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))


def test_a_cell_that_is_run_again_closes_its_old_widgets(monkeypatch):
    """Two widgets of one run stay; those of other cells, too."""
    made = []
    for cell, execution in (("a", "1"), ("a", "1"), ("b", "2"), ("a", "3")):
        run_in_cell(monkeypatch, cell, execution)
        made.append(gn.Studio(make_model(), X, Y))
    assert [each._is_closed for each in made] == [True, True, False, False]
    assert [each._session._inbox.is_closed for each in made] == [True, True, False, False]
    for each in made:
        each.close()
        each.close()
    assert widget._open_widgets == []


def test_outside_of_a_notebook_nothing_is_replaced(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    with closing(gn.Studio(make_model(), X, Y)) as first, closing(gn.Studio(make_model(), X, Y)):
        assert not first._is_closed


def test_what_is_no_model_or_no_data_is_refused():
    with pytest.raises(ConfigError, match="studio: expected a model as the first argument"):
        gn.Studio(X, Y)
    with pytest.raises(DataError, match="one target per row"):
        gn.Studio(make_model(), X, Y[:5])


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n: None if n == "anywidget" else real(n)
    )
    expected = (
        r'studio: expected anywidget to be installed\. Run pip install "glassnet\[notebook\]"'
    )
    with pytest.raises(ConfigError, match=expected):
        launch.require_packages("notebook")
    with pytest.raises(ConfigError, match=expected):
        importlib.reload(widget)
