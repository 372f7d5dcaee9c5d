"""Warnings about data on the page. Oracle: the warnings of `fit` with the same rows."""

import threading
import warnings

import numpy as np
import pytest
from session_page import Page

import glassnet as gn
from glassnet.errors import DataWarning, collect_warnings, warn
from glassnet.studio_app import doctor_cards
from glassnet.studio_app.data_sources import make_data
from glassnet.studio_app.frames import pack_frame
from glassnet.studio_app.own_data import read_upload
from glassnet.studio_app.session import StudioStart
from glassnet.studio_app.settings import DataSettings, LayerSettings, NetworkSettings, Settings

SMALL = Settings(network=NetworkSettings((LayerSettings(2),)))


def write_table(name, rare, colors=("red", "blue")):
    """Return a CSV file with a code for missing values in a column, and a rare class."""
    rng, rows = np.random.default_rng(0), []
    for i in range(120):
        age = -999 if i % 10 == 0 else i % 37 + 20
        kind = rare if i == 50 else "ab"[rng.integers(2)]
        rows.append(f"{age},{rng.normal():.3f},{colors[rng.integers(2)]},{kind}")
    return f"{name},size,color,kind\n" + "\n".join(rows) + "\n"


def upload(page, text):
    """Upload a table and return its messages on the page."""
    page.ask("open")
    n = len(page.messages)
    header = {"type": "upload", "name": "things.csv", "target": None}
    page.session.post(pack_frame(header, {}) + text.encode())
    page.wait("picture", n)
    return page.last("state")[0]["data"]["messages"]


def fit_texts(data):
    """Return the texts of the warnings of `fit`, of which there are two or more."""
    model = gn.Sequential([gn.layers.Dense(3, "softmax")], seed=0)
    with pytest.warns(DataWarning) as issued:
        model.fit(
            data.x, data.y, **data.fit_options, validation_data=data.test, epochs=0, verbose=0
        )
    texts = [str(each.message) for each in issued]
    assert len(texts) >= 2
    return texts


def test_warnings_of_fit_are_on_the_page_of_their_session():
    """Two sessions prepare their tables at the same time, and each shows its own warnings."""
    texts = [write_table("age", "c"), write_table("weight", "d")]
    pages = [Page(StudioStart(SMALL, is_playing=False)) for _ in texts]
    found = [None, None]

    def act(i):
        found[i] = upload(pages[i], texts[i])

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        threads = [threading.Thread(target=act, args=(i,)) for i in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for page in pages:
        page.close()
    for text, messages in zip(texts, found, strict=True):
        data = make_data(DataSettings("own"), read_upload("things.csv", text.encode()))
        assert messages == [*data.messages, *fit_texts(data)]


def test_a_map_of_two_numbers_has_the_warnings_of_the_table():
    """Oracle: `fit` with the same two columns and one without information."""
    text = write_table("age", "c").replace("red", "blue")
    own = read_upload("things.csv", text.encode())
    table = make_data(DataSettings("own", test_share=0, column_types={"color": "category"}), own)
    assert table.kind == "table"
    plane = make_data(DataSettings("own", test_share=0), own)
    assert plane.kind == "plane"
    assert [text for text in plane.messages if text not in table.messages] == fit_texts(table)


def test_warnings_of_the_doctor_are_on_the_page_once(monkeypatch):
    """Oracle: Python's own filter, which would make an error of each warning that is issued."""
    zeros = NetworkSettings((LayerSettings(2, "relu"),), initializer="zeros")
    page = Page(StudioStart(Settings(network=zeros), is_playing=False))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = upload(page, write_table("age", "c"))
        findings = page.ask("diagnose", "findings")[0]["findings"]
        index = next(i for i, each in enumerate(findings) if each["can_apply"])
        page.ask("verify_remedy", "verification", finding=index)
        page.ask("walk", "walk")
        assert page.last("state")[0]["data"]["messages"] == before

        def diagnose(*arguments, **options):
            warn("The doctor is tired.", DataWarning)
            return gn.diagnose(*arguments, **options)

        monkeypatch.setattr(doctor_cards, "diagnose", diagnose)
        for _ in range(2):
            page.ask("diagnose", "findings")
        page.ask("walk", "walk")
    assert page.last("state")[0]["data"]["messages"] == [*before, "The doctor is tired."]
    assert not any(header["type"] == "error" for header, _ in page.messages)
    page.close()


def test_warnings_are_collected_of_one_thread_only():
    """Oracle: the texts; another thread issues its warnings as usual."""
    thread = threading.Thread(target=warn, args=("other", DataWarning))

    def act():
        with collect_warnings() as texts:
            warn("mine", DataWarning)
            warn("mine", DataWarning)
            thread.start()
            thread.join()
            with collect_warnings() as inner:
                warn("inner", DataWarning)
        return texts, inner

    with pytest.warns(DataWarning, match="other") as issued:
        texts, inner = act()
    assert (texts, inner) == (["mine"], ["inner"])
    assert [str(each.message) for each in issued] == ["other"]
    with pytest.warns(DataWarning, match="after"):
        warn("after", DataWarning)
