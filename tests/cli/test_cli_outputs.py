"""What commands write: never onto an input, never in part, never in another program's format.

Oracle: the bytes of the files before and after. Every option of every command is found by looking at
the parser, so an option that writes and is not checked fails a test.
"""

import csv
import gzip
import io
import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pandas
import pytest
from click.testing import CliRunner

import glassnet as gn
from glassnet.cli import arguments, main, outputs, value_lists
from glassnet.storage import atomic_write

TABLE = "a,b,y\n" + "".join(f"{i % 17},{i * 7 % 5},{int(i % 17 > 8)}\n" for i in range(60))
ARGUMENTS = {
    "train": ("t.csv", "--target", "y", "--epochs", "1", "--layers", "none"),
    "cross-validate": ("t.csv", "--target", "y", "--epochs", "1", "--layers", "none"),
    "sweep": ("t.csv", "--target", "y", "--epochs", "1", "--layers", "none", "--layers", "2"),
    "trace": ("t.csv", "--target", "y"),
    "evaluate": ("m.glassnet", "t.csv"),
    "predict": ("m.glassnet", "t.csv"),
    "forecast": ("m.glassnet", "t.csv"),
    "summary": ("m.glassnet",),
    "datasets": (),
}
COMMANDS = {name: command for name, command in main.commands.items() if name != "inspect"}
for view, view_command in main.commands["inspect"].commands.items():
    COMMANDS[f"inspect {view}"] = view_command
    ARGUMENTS[f"inspect {view}"] = ("m.glassnet", "t.csv")
NOT_FILES = {
    *("target", "groups", "time", "time_zone", "activation", "optimizer", "method"),
    *("delimiter", "decimal", "thousands", "missing", "mute", "preset", "link", "host"),
    "lesson_file",
}
"""Options of plain text, none of which names a file that is written."""

OUTPUTS = [
    (name, option)
    for name, command in COMMANDS.items()
    for option in command.params
    if isinstance(option.type, outputs.OutputPath)
]
FILES = [(name, option) for name, option in OUTPUTS if isinstance(option.type, outputs.OutputFile)]
IDS = [f"{name}{option.opts[0]}" for name, option in OUTPUTS]
FILE_IDS = [f"{name}{option.opts[0]}" for name, option in FILES]


@pytest.fixture(scope="module")
def model_bytes(tmp_path_factory):
    path = tmp_path_factory.mktemp("model")
    frame = pandas.DataFrame({"a": [1.0, 2, 3, 4], "b": [1.0, 2, 1, 2], "y": [0, 1, 0, 1]})
    model = gn.Sequential([gn.layers.Dense(1, activation="sigmoid")], seed=0)
    model.fit(frame, target="y", epochs=1, verbose=0)
    model.save(path / "m.glassnet")
    return (path / "m.glassnet").read_bytes()


@pytest.fixture(autouse=True)
def _inputs(tmp_path, monkeypatch, model_bytes):
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text(TABLE)
    Path("m.glassnet").write_bytes(model_bytes)


def run(*words):
    names, others = words[:1], map(str, words[1:])
    return CliRunner().invoke(main, [*" ".join(names).split(), *others])


def call(name, option, path):
    """Run a command that would write `path`, with a suffix that the option allows."""
    return run(name, *ARGUMENTS[name], f"{option.opts[0]}={path}")


def suffix_of(option):
    kinds = {outputs.FigureFile: ".png", outputs.TableFile: ".csv", outputs.ModelFile: ".glassnet"}
    kinds |= {outputs.PageFile: ".html"}
    return kinds.get(type(option.type), "")


def untouched(result, *messages):
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    for message in messages:
        assert message in result.stderr
    assert not list(Path().glob("*.part"))
    assert not list(Path().glob(".*"))


def test_every_option_that_takes_text_is_known():
    """An option of a new type, or of plain text, must be sorted: does it write a file?"""
    harmless = (
        click.types.IntParamType,
        click.types.FloatParamType,
        click.types.BoolParamType,
        click.Choice,
        arguments.Widths,
        arguments.ColumnNames,
        arguments.CountOrWord,
        arguments.ImageSize,
        arguments.Neuron,
        arguments.ColumnType,
        arguments.HeaderLine,
        arguments.RowNumbers,
        value_lists.ValueList,
    )
    for name, command in COMMANDS.items():
        for option in command.params:
            if not isinstance(option, click.Option) or isinstance(option.type, outputs.OutputPath):
                continue
            known = option.is_flag or isinstance(option.type, harmless) or option.name in NOT_FILES
            known = known or (name == "trace" and option.name == "layer")
            assert known, f"{name} {option.opts[0]}: give it a type of cli/outputs.py if it writes"
    assert {name for name, _ in OUTPUTS} >= {"train", "predict", "forecast"}


def test_commands_with_outputs_check_them():
    assert {name for name, _ in OUTPUTS} <= {
        name for name, command in COMMANDS.items() if isinstance(command, outputs.Command)
    }


@pytest.mark.parametrize(("name", "option"), OUTPUTS, ids=IDS)
@pytest.mark.parametrize(
    "way", ["same", "dotted", "absolute", "link", "hard link", "loop of links"]
)
def test_an_input_is_never_written(name, option, way):
    """By its own name, another spelling of it, and both kinds of links."""
    inputs = [word for word in ARGUMENTS[name] if os.path.exists(word)]
    for word in inputs:
        before = Path(word).read_bytes()
        path = {"dotted": f"./{word}", "absolute": os.path.abspath(word)}.get(way, word)
        if "link" in way:
            path = f"other{suffix_of(option)}"
            Path(path).unlink(missing_ok=True)
        if way == "link":
            os.symlink(word, path)
        elif way == "hard link":
            os.link(word, path)
        elif way == "loop of links":
            os.symlink(path, path)
        untouched(call(name, option, path))
        assert Path(word).read_bytes() == before


@pytest.mark.parametrize(("name", "option"), OUTPUTS, ids=IDS)
def test_a_wrong_suffix_would_not_be_the_reason(name, option):
    """The refusal names the input, so that it holds for inputs of any suffix."""
    message = "expected another path than the input 't.csv'"
    word = ARGUMENTS[name].index("t.csv")
    before = Path("t.csv").read_bytes()
    path = f"other{suffix_of(option)}"
    os.link("t.csv", path)
    result = run(name, *ARGUMENTS[name], f"{option.opts[0]}={path}")
    untouched(result, message, f"'{option.opts[0]}'")
    assert word >= 0
    assert Path("t.csv").read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="makes a pipe")
@pytest.mark.parametrize(("name", "option"), OUTPUTS, ids=IDS)
def test_what_is_not_a_file_is_not_replaced(name, option):
    path = Path(f"special{suffix_of(option)}")
    os.mkfifo(path)
    untouched(call(name, option, path))
    assert stat.S_ISFIFO(path.lstat().st_mode)
    path.unlink()
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(path))
        untouched(call(name, option, path))
        assert stat.S_ISSOCK(path.lstat().st_mode)
    link = Path(f"null{suffix_of(option)}")
    link.symlink_to("/dev/null")
    untouched(call(name, option, link))
    assert stat.S_ISCHR(link.stat().st_mode)


@pytest.mark.parametrize(("name", "option"), FILES, ids=FILE_IDS)
@pytest.mark.parametrize("path", ["none/x", "t.csv/x", "x" * 300, "a/" * 2500 + "x", "/proc/x"])
def test_what_cannot_be_written_is_known_at_once(name, option, path, monkeypatch):
    """Nothing is read or trained before."""
    monkeypatch.setattr("glassnet.data.table.read_table", None)
    monkeypatch.setattr("glassnet.models.load.load", None)
    result = call(name, option, f"{path}{suffix_of(option)}")
    untouched(result, "expected a file in a folder that exists", "Cause: ")
    assert len(result.stderr) < 600


@pytest.mark.parametrize(("name", "option"), OUTPUTS, ids=IDS)
@pytest.mark.parametrize("path", ["", "-"])
def test_an_empty_path_and_a_hyphen_are_refused(name, option, path):
    """Before, `--out ""` trained and wrote nothing, and `--out -` wrote a file of that name."""
    result = run(name, *ARGUMENTS[name], f"{option.opts[0]}={path}")
    untouched(result, f"'{option.opts[0]}': expected a path. Received: {path!r}.")


@pytest.mark.parametrize(("name", "option"), FILES, ids=FILE_IDS)
def test_a_folder_is_not_replaced(name, option):
    path = Path(f"folder{suffix_of(option)}")
    path.mkdir()
    untouched(call(name, option, path), "Is a directory")
    assert path.is_dir()


TRAIN = ("train", *ARGUMENTS["train"], "--quiet")


def test_two_outputs_are_two_files():
    untouched(run(*TRAIN, "--plot", "x.png", "--out", "./x.png"), "another path than that of")


def test_a_folder_of_checkpoints_is_not_written_by_another_option():
    Path("runs").mkdir()
    name = "checkpoint-000001-000000002.glassnet"
    untouched(run(*TRAIN, "--resume", "runs", "--out", f"runs/{name}"), "than that of --resume")
    untouched(run(*TRAIN, "--resume", "t.csv"), "another path than the input")
    Path("file").write_text("mine")
    untouched(run(*TRAIN, "--resume", "file"), "expected a folder that can be written to")
    untouched(run(*TRAIN, "--resume", "file/sub"), "expected a folder that can be written to")
    assert Path("file").read_text() == "mine"


def test_images_of_the_input_folder_are_not_written():
    from PIL import Image

    for label in ("cat", "dog"):
        Path("photos", label).mkdir(parents=True)
        Image.fromarray(np.zeros((4, 4), np.uint8)).save(f"photos/{label}/1.png")
    before = Path("photos/cat/1.png").read_bytes()
    message = "another path than the input 'photos'"
    untouched(run("train", "photos", "--plot", "photos/cat/1.png"), message)
    os.symlink("photos/cat/1.png", "link.png")
    untouched(run("train", "photos", "--plot", "link.png"), message)
    untouched(run("train", "photos", "--plot", "photos/dog/curves.png"), message)
    untouched(run("train", "photos", "--plot", "./photos/../photos/dog/new.PNG"), message)
    untouched(run("train", "photos", "--resume", "photos/cat"), message)
    untouched(run("train", "photos", "--resume", "photos"), message)
    assert Path("photos/cat/1.png").read_bytes() == before


def test_the_labels_beside_idx_images_are_inputs():
    Path("train-images-idx3-ubyte").write_bytes(b"images")
    Path("train-labels-idx1-ubyte").write_bytes(b"labels")
    out = ("--out", "train-labels-idx1-ubyte", "--no-plot")
    untouched(run("train", "train-images-idx3-ubyte", *out), "train-labels-idx1-ubyte")
    assert Path("train-labels-idx1-ubyte").read_bytes() == b"labels"


@pytest.mark.parametrize("name", ["m.onnx", "M.H5", "m.keras", "m.pkl", "m.safetensors", "m.csv"])
def test_train_does_not_write_a_model_under_a_name_of_another_format(name):
    untouched(run(*TRAIN, "--out", name), "expected a file name for a model", ".glassnet'")


@pytest.mark.parametrize("name", ["s.xlsx", "s.json", "s.glassnet", "s.png"])
def test_predict_does_not_write_a_table_under_a_name_of_another_format(name):
    untouched(run("predict", *ARGUMENTS["predict"], "--out", name), "a file name for a table")


def test_links_are_written_through_and_permissions_stay():
    """Oracle: the operating system's own view of the files."""
    Path("real.csv").write_text("old")
    os.chmod("real.csv", 0o640)
    os.symlink("real.csv", "link.csv")
    assert run("predict", *ARGUMENTS["predict"], "--out", "link.csv").exit_code == 0
    assert os.path.islink("link.csv")
    assert Path("real.csv").read_text().startswith("a,b,y,predicted y")
    assert stat.S_IMODE(os.stat("real.csv").st_mode) == 0o640


def test_a_long_name_is_no_reason_to_fail():
    name = "n" * 251 + ".csv"
    assert run("predict", *ARGUMENTS["predict"], "--out", name).exit_code == 0
    assert Path(name).exists()


@pytest.mark.parametrize("point", ["write", "half", "fsync", "rename"])
def test_predictions_are_written_in_one_step(point, monkeypatch):
    """A disk that is full at any step leaves the previous file and no other."""

    def fail(now):
        if now == point:
            raise OSError(28, "No space left on device")

    Path("s.csv").write_text("old")
    monkeypatch.setattr(atomic_write, "failpoint", fail)
    result = run("predict", *ARGUMENTS["predict"], "--out", "s.csv")
    assert result.exit_code == 1
    assert result.stderr == "glassnet: cannot read or write the output: No space left on device.\n"
    assert Path("s.csv").read_text() == "old"
    assert {path.name for path in Path().iterdir()} == {"s.csv", "t.csv", "m.glassnet"}


def test_the_suffix_of_a_table_chooses_separator_and_compression():
    printed = run("predict", *ARGUMENTS["predict"]).stdout
    assert run("predict", *ARGUMENTS["predict"], "--out", "s.tsv").exit_code == 0
    assert Path("s.tsv").read_text() == printed.replace(",", "\t")
    assert run("predict", *ARGUMENTS["predict"], "--out", "s.csv.gz").exit_code == 0
    assert gzip.decompress(Path("s.csv.gz").read_bytes()).decode() == printed


FORMULAS = ["=1+1", "+x", "-x", "@SUM(A1)", "\tx", "=cmd|' /C calc'!A0", "-1+2"]
HARMLESS = ["+", "-", "-1", "+1.5", "-1,000.5", "-1e-3", "a=b", "", " =1", "'=1", "-inf"]


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_spreadsheets_run(text):
    """Oracle: OWASP's list of first characters."""
    assert outputs.is_formula(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_numbers_and_other_text_are_no_formulas(text):
    assert not outputs.is_formula(text)


def make_labels():
    rows = "".join(f"{i % 17},{i * 7 % 5},{['=1+1', '@x'][int(i % 17 > 8)]}\n" for i in range(60))
    Path("labels.csv").write_text(f"a,b,y\n{rows}")
    words = ("--target", "y", "--epochs", "1", "--layers", "none", "--no-plot", "--quiet")
    assert run("train", "labels.csv", *words, "--out", "l.glassnet").exit_code == 0
    Path("new.csv").write_text('a,b,=note\n1,2,"=HYPERLINK(""x"")"\n3,4,-5\n5,1,fine\n')


@pytest.mark.filterwarnings("always")
def test_formulas_are_written_as_they_are_on_request():
    """The same text comes back."""
    make_labels()
    result = run("predict", "l.glassnet", "new.csv", "--no-safe-csv", "--out", "s.csv")
    assert (result.exit_code, result.stderr) == (0, "")
    frame = pandas.read_csv("s.csv", dtype=str)
    assert frame["=note"].tolist() == ['=HYPERLINK("x")', "-5", "fine"]
    assert set(frame["predicted y"]) <= {"=1+1", "@x"}


@pytest.mark.filterwarnings("always")
@pytest.mark.parametrize("out", [(), ("--out", "s.csv")])
def test_no_cell_is_one_that_a_spreadsheet_runs(out):
    """Numbers are not counted. Five cells: a column name, a text, three labels."""
    make_labels()
    result = run("predict", "l.glassnet", "new.csv", *out)
    assert result.exit_code == 0
    assert result.stderr == (
        "glassnet: an apostrophe was put before 5 cells that a spreadsheet may run as formulas; "
        "--no-safe-csv leaves it out.\n"
    )
    text = Path("s.csv").read_text() if out else result.stdout
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0][:4] == ["a", "b", "'=note", "predicted y"]
    assert [row[2] for row in rows[1:]] == ['\'=HYPERLINK("x")', "-5", "fine"]
    assert {row[3] for row in rows[1:]} <= {"'=1+1", "'@x"}
    assert not any(outputs.is_formula(cell) for row in rows for cell in row)


def test_a_table_without_formulas_is_not_changed():
    plain = run("predict", *ARGUMENTS["predict"])
    assert plain.stderr == ""
    assert run("predict", *ARGUMENTS["predict"], "--no-safe-csv").stdout == plain.stdout


HUGE = "a,y\n" + "".join(f"{i % 17},{(i % 17) * 1e30 + 1e30}\n" for i in range(120))


@pytest.mark.filterwarnings("always")
@pytest.mark.parametrize("as_json", [False, True])
def test_a_training_without_a_finite_loss_has_its_own_exit_code(as_json):
    """(1e30)^2 is beyond float32: the loss of the first step is infinite."""
    Path("huge.csv").write_text(HUGE)
    words = ("--target", "y", "--epochs", "3", "--layers", "none", "--out", "new.glassnet")
    result = run("train", "huge.csv", *words, *(["--json"] if as_json else []))
    assert result.exit_code == 3
    assert result.stderr.startswith("glassnet: Training stopped in epoch 1, step 1 of")
    assert result.stderr.count("\n") == 1
    assert "RMSE" not in result.stdout
    assert not Path("new.glassnet").exists()
    assert not Path("curves.png").exists()
    if as_json:
        facts = json.loads(result.stdout)
        assert (facts["score"], facts["out"], facts["epochs"]) == (None, None, 0)
        assert facts["history"]["loss"] == [None]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", "titanic.csv", "--target", "survived"), "Did you mean the dataset 'titanic'?"),
        (("train", "digits.npz"), "Did you mean the dataset 'digits'?"),
        (("train", "data/flights.csv", "--forecast", "3"), "Did you mean the dataset 'flights'?"),
        (("trace", "xor.csv"), "Did you mean the dataset 'xor'?"),
        (("evaluate", "m.glassnet", "iris.parquet"), "Did you mean the dataset 'iris'?"),
        (("train", "tt.csv", "--target", "y"), "Did you mean 't.csv'?"),
        (("train", "./tt.csv", "--target", "y"), "Did you mean 't.csv'?"),
        (("train", "x" * 5000, "--target", "y"), "expected a file or folder that exists."),
        (("train", "x/" * 2000, "--target", "y"), "expected a file or folder that exists."),
        (("evaluate", "x" * 5000, "t.csv"), "load: expected a file that exists."),
        (("evaluate", "m.glassnet", "x" * 5000), "expected a file or folder that exists."),
        (("predict", "m.glassnet", "x" * 5000), "xxx..."),
        (("forecast", "x" * 5000), "load: expected a file that exists."),
        (("summary", "x" * 5000), "load: expected a file that exists."),
        (("train", "t.csv", "--layers", "9" * 5000), "expected the units of the hidden layers"),
        (("train", "photos", "--size", "9" * 5000), "expected pixels such as 96"),
        (("train", "t.csv", "--batch-size", "9" * 5000), "expected a number of rows >= 1"),
        (("train", "t.csv", "--seed", "9" * 5000), "is not a valid integer range"),
        (("trace", "xor", "--neuron", "dense_1:" + "9" * 5000), "such as dense_1:0"),
        (("train", "t.csv", "--target", "x" * 5000), "target: expected one of a, b, y."),
    ],
)
def test_names_and_numbers_that_are_too_long_or_meant_otherwise(words, message):
    """One line, and not a long one."""
    result = run(*words)
    untouched(result, message)
    assert len(result.stderr) < 800


def test_help_is_printed_without_a_command():
    result = run()
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "\nCommands:\n  cross-validate " in result.stderr
    assert result.stderr.startswith("Usage: ")


def shell(words, end):
    return subprocess.run(
        ["bash", "-c", f"{sys.executable} -m glassnet {words} {end}"],
        capture_output=True,
        text=True,
        timeout=100,
    )


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs bash")
@pytest.mark.parametrize("words", ["datasets", "summary m.glassnet", "predict m.glassnet t.csv"])
def test_standard_output_that_is_full_closed_or_cut(words):
    full = shell(words, ">/dev/full")
    assert (full.returncode, full.stderr) == (
        1,
        "glassnet: cannot read or write the output: No space left on device.\n",
    )
    closed = shell(words, ">&-")
    assert (closed.returncode, closed.stderr) == (0, "")
    assert shell(words, ">&- 2>&- <&-").returncode == 0
    cut = shell(words, "| head -c 1")
    assert (cut.returncode, cut.stderr) == (0, "")
    assert shell("nothing", "2>/dev/full").returncode == 2


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs bash")
def test_files_are_whole_if_standard_output_is_closed():
    """The first file that is opened must not become the standard output."""
    done = shell(" ".join(TRAIN).replace("--quiet", "") + " --out new.glassnet --plot p.svg", ">&-")
    assert (done.returncode, done.stderr) == (0, "")
    assert gn.load("new.glassnet").count_params() > 0
    assert Path("p.svg").read_text().startswith("<?xml")
