"""README.md and docs/: code and commands run, quoted output is real, and links have targets."""

import functools
import re
from pathlib import Path

import numpy as np
import pytest

import glassnet as gn
import pages
from glassnet.pipeline import adapter
from nets import X, Y, plain_model

SESSIONS = {page: pages.sessions(page) for page in pages.PAGES}
COMMANDS = [(page, command) for page, session in SESSIONS.items() for command, _ in session]
SHOWN = [(command, shown) for session in SESSIONS.values() for command, shown in session if shown]
CODE = {
    "README.md": 1,
    "doctor.md": 7,
    "files-and-resuming.md": 3,
    "for-lecturers.md": 1,
    "for-scientists.md": 2,
    "for-students.md": 2,
}
CODE |= {
    "from-keras.md": 4,
    "from-scikit-learn.md": 4,
    "images.md": 1,
    "report.md": 1,
    "series.md": 4,
    "tables.md": 3,
    "text.md": 1,
    "trace.md": 3,
}
CODE |= {"selection.md": 11, "source-code.md": 1, "training.md": 5, "larger.md": 3}
CODE |= {"gallery.md": 30, "inspection.md": 27}
"""Number of blocks of Python code of each page."""


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@functools.cache
def file_contents(file):
    """Return the contents of the file that an earlier command with --out writes."""
    pages.output(next(command for _, command in COMMANDS if f"--out {file}" in command))
    return Path(file).read_bytes()


@functools.cache
def printed(command):
    return pages.output(command)


@pytest.mark.slow
@pytest.mark.parametrize("command", dict.fromkeys(command for _, command in COMMANDS))
def test_commands(command, request):
    if re.search("mnist|titanic|flights|house", command):
        pages.copy_tables(request.getfixturevalue("shared_data"))
    if "photos" in command:
        pages.write_photos()
    if "air" in command:
        pages.write_air()
    for file in re.findall(r"(?<!--out )\b\w+\.glassnet", command):
        Path(file).write_bytes(file_contents(file))
    printed(command)


@pytest.mark.parametrize(("command", "shown"), SHOWN)
def test_shown_output(command, shown):
    pages.check_output(printed(command), shown)


def test_table_output(shared_data):
    """Words must agree. Numbers depend on training and may differ."""
    pages.copy_tables(shared_data)
    (shown,) = pages.blocks("tables.md", "text")
    real = re.sub(
        r"^epoch.*\n", "", pages.output("train titanic.csv --target survived"), flags=re.M
    )
    assert pages.NUMBER.sub("0", shown) in pages.NUMBER.sub("0", real)


@pytest.mark.slow
def test_training(capsys):
    run = pages.steps("training.md")
    for word in ("dense_2, neuron 3", "val_f1_score"):
        names = next(run)
        assert names["model"].epoch >= 10
        assert names["model"].evaluate(names["data"].x_test, names["data"].y_test)[1] > 0.9
        assert word in capsys.readouterr().out
    assert Path("curves.png").stat().st_size > 10_000
    assert names["history"].history["val_accuracy"][-1] > 0.8
    *_, names = run
    assert names["model"].history.history["val_loss"][-1] < np.log(2)


@pytest.mark.slow
def test_doctor(capsys):
    """What the code finds is what the page says, and the verdict that it shows is real."""
    steps = pages.steps("doctor.md")
    next(steps)
    (shown,) = pages.blocks("doctor.md", "text")
    pages.check_output(capsys.readouterr().out, shown)
    names = next(steps)
    assert names["verification"].helped is True
    assert names["model"].layers[0].name == "normalization_1"
    assert len(names["history"].findings) == 0
    assert "No problem found." in capsys.readouterr().out
    assert next(steps)["findings"][0].rule == "no_signal"
    assert capsys.readouterr().out.splitlines()[-1] == "None"
    assert next(steps)["history"].findings[0].rule == "wrong_output"
    overfitting = next(steps)["history"].findings[0]
    assert overfitting.rule == "overfitting"
    assert f"> Problem: {overfitting.symptom}\n" in pages.read("README.md")
    assert len(next(steps)["doubtful"].rows) == 20
    assert len(next(steps)["quiet"]) == 0
    assert next(steps, None) is None


def test_trace(capsys):
    names = pages.run("trace.md")
    assert names["model"].evaluate(names["data"].x, names["data"].y)[1] == 1
    text = capsys.readouterr().out
    assert "dense_1, neuron 0" in text
    assert "predicted" in text
    assert names["trace"]["dense_1"].output.shape == names["trace"]["dense_1"].delta.shape == (4, 4)
    assert "<" in names["trace"]._repr_html_()
    assert isinstance(names["trace"].to_dict(), dict)
    assert "dL/dw" in Path("cycle.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_tables(shared_data, capsys):
    """The accuracy on the test rows was 0.837 when this was written."""
    run = pages.steps("tables.md")
    names = next(run)
    assert names["model"].evaluate(names["test"])[1] > 0.78
    assert len(re.findall(r"dL/dw\d+ = .*\[[\w= ]+\]$", capsys.readouterr().out, re.M)) == 6
    table = next(run)["table"]
    assert table["preis"].tolist() == [1200, 950, 2300]
    assert table["sorte"].tolist() == ["None", "A", "B"]
    assert "column='preis', cells=['1.200', '2.300']" in capsys.readouterr().out
    next(run)
    assert float(capsys.readouterr().out) > 0.9


@pytest.mark.slow
def test_images(capsys):
    pages.write_photos()
    names = pages.run("images.md")
    assert names["maps"].outputs["conv2d_1"].shape == (32, 32, 16)
    assert Path("augmented.png").stat().st_size > 10_000
    assert set(names["model"].predict_labels(names["val"])) <= {"across", "up"}
    assert names["model"].history.history["loss"][-1] < np.log(2)


@pytest.mark.slow
def test_series(shared_data, capsys):
    """In the last year, the forecast has less than half the error of the seasonal naive one."""
    names = pages.run("series.md")
    assert capsys.readouterr().out == "".join(pages.blocks("series.md", "text"))
    forecast, truth = names["forecast"], names["series"].values[-12:]
    error, naive = (
        np.sqrt(np.mean((values[:12] - truth) ** 2)) for values in (forecast.values, forecast.naive)
    )
    assert error < naive / 2
    assert Path("forecast.png").stat().st_size > 10_000
    assert {name: gate.shape for name, gate in names["gates"].items()} == dict.fromkeys(
        "ifgo", (97, 24, 32)
    )


def test_text(capsys):
    names = pages.run("text.md")
    assert names["model"].evaluate(names["reviews"].x_test, names["reviews"].y_test)[1] > 0.95
    boring, clever = names["model"].predict(
        ["The opera was not boring but clever.", "The opera was not clever but boring."]
    )
    assert boring > 0.5 > clever


def test_files_and_resuming(capsys):
    run = pages.steps("files-and-resuming.md")
    before = next(run)["model"].get_weights()
    for weights, saved in zip(before, next(run)["model"].get_weights(), strict=True):
        np.testing.assert_array_equal(weights, saved)
    assert Path("sums.safetensors").exists()
    next(run)
    assert any(Path("runs/sums").iterdir())


def test_from_keras():
    names = pages.run("from-keras.md", gn=gn, np=np)
    assert names["history"].history["val_accuracy"][-1] > 0.8


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_from_scikit_learn(capsys):
    rng = np.random.default_rng(0)
    names = pages.run("from-scikit-learn.md", x=rng.normal(size=(30, 4)), y=np.arange(30) % 3)
    assert [w.shape for w in names["mlp"].coefs_] == [
        names["model"].params[f"dense_{i}"]["kernel"].shape for i in (1, 2)
    ]
    assert names["scores"].min() > 0.9
    np.testing.assert_array_equal(names["same_scores"], names["scores"])


def test_for_students(capsys):
    run = pages.steps("for-students.md")
    next(run)
    assert capsys.readouterr().out.count("predicted") == 2
    names = next(run)
    assert names["model"].evaluate(names["data"].x_test, names["data"].y_test)[1] > 0.9
    assert Path("curves.png").stat().st_size > 10_000


def test_for_lecturers(capsys):
    names = pages.run("for-lecturers.md")
    assert Path("data.svg").stat().st_size > 10_000
    assert Path("curves.svg").stat().st_size > 10_000
    assert list(names["frame"]) == list(names["history"].history)
    assert "dense_2, neuron 0" in capsys.readouterr().out


def test_for_scientists(shared_data, capsys):
    names = pages.run("for-scientists.md")
    assert names["model"].evaluate(names["test"])[1] > 0.75
    assert "dense_1, neuron 0" in capsys.readouterr().out


def test_source_code(monkeypatch):
    """The new kind of data trains as its arrays do."""
    monkeypatch.setattr(adapter, "ADAPTERS", list(adapter.ADAPTERS))
    pages.run("source-code.md")
    clips = [{"samples": row, "speaker": int(label)} for row, label in zip(X, Y, strict=True)]
    history = plain_model().fit(clips, verbose=0, validation_data=clips)
    assert history.history == plain_model().fit(X, Y, verbose=0, validation_data=(X, Y)).history


def test_inspection(capsys):
    """The page's first answer is printed; its views are those of tests/inspection."""
    pages.run("inspection.md")
    assert "Where is it wrong?" in capsys.readouterr().out


def test_selection(capsys):
    """The page's search on many machines is in tests/estimators."""
    names = pages.run("selection.md")
    printed = capsys.readouterr().out
    shown = pages.blocks("selection.md", "text")[0]
    assert pages.NUMBER.sub("0", shown) in pages.NUMBER.sub("0", printed)
    rates = names["rates"]
    assert str(rates) in printed
    assert Path("rates.png").stat().st_size > 10_000
    assert names["model"].learning_rate == pytest.approx(rates.suggestion, rel=1e-6)


def test_larger(capsys):
    """The page's network learns; what the page says about devices is tested in tests/devices."""
    names = pages.run("larger.md")
    loss, _ = names["prices"].evaluate("sales/", verbose=0)
    assert loss < 3  # the variance of a price is 10.9, of which 1 is noise
    assert names["model"].evaluate(names["x"], names["y"])[0] < 0.6


def test_report():
    """The page's report is a file; what is in it is tested in tests/reporting."""
    pages.run("report.md")
    assert Path("iris.html").stat().st_size > 50_000


def test_all_code_is_run():
    """Each page with Python code has a test above; README.md and gallery.md have files of tests."""
    assert {
        page: count for page in pages.PAGES if (count := len(pages.blocks(page, "python")))
    } == CODE
    tested = {
        name.removeprefix("test_").replace("_", "-") + ".md"
        for name in globals()
        if name.startswith("test_")
    }
    assert set(CODE) - tested == {"README.md", "gallery.md"}


def test_all_commands_are_found():
    """All commands in console blocks are run."""
    for page in pages.PAGES:
        assert len(SESSIONS[page]) == len(
            re.findall(r"^\$ ", "".join(pages.blocks(page, "console")), re.M)
        )
    assert len(dict.fromkeys(command for _, command in COMMANDS)) >= 24
    assert len(SHOWN) == 2


def anchors(page):
    headings = re.findall(r"^#+ (.*)", pages.read(page), re.M)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("page", pages.PAGES)
def test_links_have_targets(page):
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([\w-]+))?\)", pages.read(page)):
        file = pages.path(page).parent / target if target else pages.path(page)
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.name)


def test_the_layout_names_every_package():
    """Oracle: the folders of the package."""
    text = pages.read("source-code.md")
    source = pages.DOCS.parent / "src" / "glassnet"
    folders = {path.parent.name for path in source.glob("*/__init__.py")}
    assert len(folders) > 15
    assert sorted(name for name in folders if f"{name}/" not in text) == []
