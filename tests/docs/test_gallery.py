"""docs/gallery.md: its code draws its pictures."""

import importlib.util
import re

import pytest
from matplotlib.text import Text
from PIL import Image

import pages


@pytest.fixture(scope="module")
def gallery():
    """Return docs/images/gallery.py as a module."""
    path = pages.DOCS / "images" / "gallery.py"
    spec = importlib.util.spec_from_file_location("gallery", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_picture_has_code_and_a_file(gallery):
    text = gallery.PAGE.read_text(encoding="utf-8")
    shown = re.findall(r"^!\[([^\]]+)\]\(([^)]+)\)", text, re.M)
    drawn = [path for _, path in gallery.blocks(gallery.PAGE) if path]
    assert [path for _, path in shown] == drawn
    assert len({alt for alt, _ in shown}) == len(drawn) == 30
    folder = gallery.PAGE.parent / "images" / "gallery"
    assert sorted(f"images/gallery/{file.name}" for file in folder.iterdir()) == sorted(drawn)
    for path in drawn:
        with Image.open(gallery.PAGE.parent / path) as picture:
            assert picture.width > 300
            assert len(picture.getcolors(10**7)) > 5  # not an empty page


@pytest.mark.slow
def test_the_code_draws_the_pictures(gallery, shared_data, tmp_path, monkeypatch):
    """Every figure states a finding, and has the proportions of the picture on the page."""
    monkeypatch.chdir(tmp_path)
    for path, figure in gallery.figures():
        sentences = [text.get_text() for text in figure.findobj(Text) if text.get_visible()]
        assert any(len(sentence.split()) >= 3 for sentence in sentences), path
        gallery.save(figure, tmp_path / "picture.png")
        with (
            Image.open(tmp_path / "picture.png") as drawn,
            Image.open(gallery.PAGE.parent / path) as shown,
        ):
            assert drawn.size == shown.size, path
