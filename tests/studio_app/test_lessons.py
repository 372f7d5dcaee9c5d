"""Lesson files. Oracles: what the test writes into the file, and the names that the page uses."""

import doctest
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import glassnet as gn
from glassnet.cli import main
from glassnet.errors import DataError
from glassnet.studio_app import launch, lessons
from glassnet.studio_app import settings as settings_module
from glassnet.studio_app.experiment import Experiment
from glassnet.studio_app.exports import make_file
from glassnet.studio_app.lessons import (
    CONTROLS,
    HIDEABLE,
    MAX_BYTES,
    parse_lesson,
    read_lesson,
    write_lesson,
)
from glassnet.studio_app.presets import PRESETS
from glassnet.studio_app.settings import DataSettings, Settings

PAGE = Path(gn.__file__).parent / "studio_app" / "static" / "app"
DOCS = Path(__file__).parents[2] / "docs" / "for-lecturers.md"
PRESET = {
    "name": "circle",
    "title": "A circle",
    "why": "It is round.",
    "settings": {"data": {"name": "circles", "n": 100}, "steps": 20},
}


def parse(**fields):
    return parse_lesson(json.dumps({"title": "Monday", **fields}).encode())


def test_example():
    assert doctest.testmod(lessons).failed == doctest.testmod(settings_module).failed == 0


def test_a_file_is_read(tmp_path):
    path = tmp_path / "lesson.json"
    fields = {"hide": ["doctor", "training.l1"], "presets": [PRESET], "start": "circle"}
    path.write_text(json.dumps({"title": "Monday", **fields}))
    lesson = read_lesson(path)
    assert lesson.title == "Monday"
    assert lesson.hide == ("doctor", "training.l1")
    assert lesson.start_preset is lesson.presets[0]
    assert lesson.start_preset.settings == Settings(DataSettings("circles", n=100), steps=20)


def test_defaults_are_the_presets_of_the_studio():
    lesson = parse()
    assert lesson.all_presets == PRESETS
    assert lesson.start_preset is PRESETS[0]
    assert parse(start="momentum").start_preset.title == "Momentum in a valley"


def test_a_state_becomes_a_lesson_to_edit():
    """Oracle: the reader."""
    settings = Settings(DataSettings("moons", noise=0.2), seed=3, steps=7)
    lesson = parse_lesson(write_lesson(settings, title="Moons", hide=("time",)).encode())
    assert (lesson.title, lesson.hide) == ("Moons", ("time",))
    assert lesson.start_preset.settings == settings
    assert "Write here" in lesson.start_preset.why


def test_the_state_of_a_page_is_saved_as_a_lesson():
    """Oracle: the reader, and the settings that lead to the step."""
    experiment = Experiment(Settings(DataSettings("moons", n=60)))
    experiment.run.advance(2)
    name, media_type, text = make_file(experiment, "settings")
    assert (name, media_type) == ("lesson.json", "application/json")
    assert parse_lesson(text).start_preset.settings == experiment.link
    assert experiment.link.steps == 2


@pytest.mark.parametrize(
    ("arguments", "data", "is_playing"),
    [((), "circles", False), (("moons",), "moons", True)],
)
def test_the_command_begins_with_the_lesson(tmp_path, monkeypatch, arguments, data, is_playing):
    """Oracle: the file; a dataset that is named comes first."""
    path, calls = tmp_path / "lesson.json", []
    path.write_text(json.dumps({"title": "Monday", "presets": [PRESET]}))
    monkeypatch.setattr(
        launch, "run_studio", lambda start, **options: calls.append((start, options))
    )
    result = CliRunner().invoke(main, ["studio", "--lesson", str(path), *arguments])
    assert result.exit_code == 0, result.output
    ((start, options),) = calls
    assert (start.settings.data.name, start.is_playing) == (data, is_playing)
    assert options["lesson"].title == "Monday"


def test_names_are_those_of_the_page():
    """Oracle: every name that a module of the page asks for, and no other is in the list."""
    text = "".join(path.read_text(encoding="utf-8") for path in PAGE.glob("*.mjs"))
    parts = "|".join(CONTROLS)
    used = set(re.findall(rf'"((?:{parts})\.[a-z_0-9]+)"', text))
    used |= {f"training.{name}" for name in re.findall(r'Penalty\} name="(l[12])"', text)}
    single = {name for name in HIDEABLE if "." in name}
    assert used == single


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {"hide": ["doctor", "trainin"]},
            r"lesson: hide\[1\]: expected a control. Received: name='trainin'. Did you mean "
            "'training'",
        ),
        ({"hide": ["qqqqq"]}, "Names are data, network, training"),
        ({"start": "xor"}, "lesson: start: expected a preset of the lesson: xor_without"),
        ({"presets": [PRESET, PRESET]}, r"presets of different names. Received: twice=\['circle'"),
        ({"tilte": "x"}, "lesson: expected one of title, hide, presets, start. Received: "),
        (
            {"presets": [PRESET | {"settings": {"training": {"learning_rat": 1}}}]},
            r"lesson: presets\[0\]: settings: training: expected one of optimizer, .*"
            "Did you mean 'learning_rate'",
        ),
        (
            {"presets": [PRESET | {"settings": {"training": {"learning_rate": -1}}}]},
            r"Expected `float` > 0.0 - at `\$.presets\[0\].settings.training.learning_rate`",
        ),
        ({"presets": [PRESET] * 101}, "length <= 100"),
        ({"title": 3}, r"Expected `str`, got `int` - at `\$.title`"),
    ],
)
def test_mistakes_are_named_with_their_place(fields, text):
    with pytest.raises(DataError, match=text):
        parse(**fields)


@pytest.mark.parametrize("raw", [b"{", b"\xff", b"[" * 100_000, b'{"hide": []}'])
def test_files_that_are_no_lesson(raw):
    with pytest.raises(DataError, match="a lesson in JSON"):
        parse_lesson(raw)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(DataError, match=r"a file that can be read. Received: path=.*No such file"):
        read_lesson(tmp_path / "none.json")
    with pytest.raises(DataError, match=r"at most 1 MB. Received: bytes=1000001"):
        parse_lesson(b" " * (MAX_BYTES + 1))


def test_the_page_for_lecturers():
    """Oracle: the code: the lesson on the page can be read, and the lists are complete."""
    page = DOCS.read_text(encoding="utf-8")
    lesson = parse_lesson(re.search(r"```json\n(.*?)```", page, re.DOTALL)[1].encode())
    assert Experiment(lesson.start_preset.settings).run.steps_per_epoch == 1
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    named = re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in rows))
    assert {preset.name for preset in PRESETS} <= set(named)
    for part, controls in CONTROLS.items():
        listed = ", ".join(f"`{part}.{each}`" for each in controls) or "none"
        assert f"| `{part}` | {listed} |" in rows
