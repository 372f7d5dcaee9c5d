"""Options for CSV files on the command line. Oracle: the same call in Python."""

import inspect
import re

import pytest
from click.testing import CliRunner

import glassnet as gn
from glassnet.cli import main
from glassnet.cli.jobs import base, resolve
from glassnet.data.csv_options import advise

ROWS = [f"{1 + i % 7}.200;{i % 5};{'yes' if i % 2 else 'no'}" for i in range(40)]
FAST = ("--epochs", "1", "--layers", "none", "--no-plot", "--quiet")


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("preis;n;y\n" + "\n".join(ROWS) + "\n")
    (tmp_path / "rare.csv").write_text(
        "a,y\n"
        + "".join(f"{i % 7},{'NA' if i == 9 else i % 2}\n" for i in range(40))
        .replace(",1\n", ",yes\n")
        .replace(",0\n", ",no\n")
    )


def run(*words):
    return CliRunner().invoke(main, list(words))


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (("--thousands", "."), {"thousands": "."}),
        (("--decimal", "."), {"decimal": "."}),
        (("--decimal", ",", "--delimiter", ";"), {"decimal": ",", "delimiter": ";"}),
        (("--thousands", ".", "--header", "1", "--names", "a,b,c"), {"thousands": ".", "header": 1, "names": ("a", "b", "c")}),
        (("--thousands", ".", "--header", "none"), {"thousands": ".", "header": None}),
        (("--thousands", ".", "--missing", "no"), {"thousands": ".", "missing": ["no"]}),
        (("--thousands", ".", "--missing", "y=no", "--missing", "n="), {"thousands": ".", "missing": {"y": ["no"], "n": []}}),
        (("--thousands", ".", "--missing", ""), {"thousands": ".", "missing": []}),
        (("--delimiter", "tab"), {"delimiter": "\t"}),
        (("--delimiter", "space"), {"delimiter": " "}),
    ],
)  # fmt: skip
def test_options_are_the_arguments_of_read_table(words, options, monkeypatch):
    calls = []
    monkeypatch.setattr(
        "glassnet.data.table.read_table",
        lambda source, **options: calls.append(options) or (_ for _ in ()).throw(KeyboardInterrupt),
    )
    assert run("train", "t.csv", "--target", "y", *words).exit_code == 130
    assert calls == [options]


def test_every_argument_of_read_table_is_an_option_of_every_command_that_reads_tables():
    names = set(inspect.signature(gn.data.read_table).parameters) - {"source"}
    commands = [
        main.commands[name] for name in ("train", "trace", "evaluate", "predict", "forecast")
    ]
    for command in [*commands, *main.commands["inspect"].commands.values()]:
        assert names <= {param.name for param in command.params}


@pytest.mark.filterwarnings("ignore:y. the class 'NA' has a single row")
def test_what_a_message_proposes_works():
    """The words of the message are typed as they are printed."""
    result = run("train", "t.csv", "--target", "y", *FAST)
    assert result.exit_code == 2
    assert "column='preis', cells=['1.200'" in result.stderr
    proposed = re.findall(r'or (--\w+) "(.)"', result.stderr)
    assert proposed == [("--thousands", "."), ("--decimal", ".")]
    for option in proposed:
        assert run("train", "t.csv", "--target", "y", *option, *FAST).exit_code == 0
    result = run("train", "rare.csv", "--target", "y", *FAST)
    assert result.exit_code == 2
    proposed = re.findall(r'or (--missing) "?(y=\w*)"?', result.stderr)
    assert proposed == [("--missing", "y=NA"), ("--missing", "y=")]
    for option in proposed:
        assert run("train", "rare.csv", "--target", "y", *option, *FAST).exit_code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--header", "0"), "the number of a line, counted from 1, or none"),
        (("--header", "x"), "the number of a line, counted from 1, or none"),
        (("--decimal", "x"), "decimal to be one of"),
        (("--missing", "NA", "--missing", "y=NA"), "words for all columns or words for single columns"),
        (("--column", "n"), "a column and its type, such as pclass=category"),
        (("--thousands", ".", "--column", "n=number!"), "column_types: n: expected one of number"),
        (("--thousands", ".", "--column", "m=number"), "column_types: expected one of preis, n"),
    ],
)  # fmt: skip
def test_options_that_cannot_be(words, message):
    result = run("train", "t.csv", "--target", "y", *words, *FAST)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_the_type_of_a_column():
    options = base.TrainOptions("y", column_types={"n": "category"}, csv={"decimal": "."})
    job = resolve.resolve_job("t.csv", options, seed=0)
    assert len(job.train) + len(job.test) == 40
    result = run(
        "train", "t.csv", "--target", "y", "--decimal", ".", "--column", "n=category", *FAST[:-1]
    )
    assert (result.exit_code, result.stderr) == (0, "")
    assert "2 columns as 6 numbers: preis, n (5)" in result.stdout


def test_messages_about_words_are_printed_once(tmp_path):
    rows = "".join(f"{['NA', 'red', 'blue'][i % 3]},{i % 5},{'+-'[i % 2]}\n" for i in range(40))
    (tmp_path / "words.csv").write_text("color,n,y\n" + rows)
    result = run("train", "words.csv", "--target", "y", *FAST[:-1])
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.count("'NA' in color (14 cells)") == 1
    assert result.stdout.count("'-' in 20 rows") == 1
    assert result.stdout.count("read_table") == 2
    assert "y: 2 labels (+, -)" in result.stdout


def test_messages_about_types_name_the_option(tmp_path):
    rows = "".join(f"{'x' if i == 3 else i},{i % 2}\n" for i in range(60))
    (tmp_path / "odd.csv").write_text("a,y\n" + rows)
    result = run("train", "odd.csv", "--target", "y", *FAST)
    assert result.exit_code == 2
    assert '--column "a=number"' in result.stderr
    assert "column_types" not in result.stderr
    assert run("train", "odd.csv", "--target", "y", "--column", "a=number", *FAST).exit_code == 0


@pytest.mark.parametrize("command", ["evaluate", "trace"])
def test_options_for_csv_files_are_refused_with_other_data(command):
    words = ("iris.glassnet", "iris") if command == "evaluate" else ("iris",)
    model = gn.Sequential([gn.layers.Input(4), gn.layers.Dense(3, activation="softmax")], seed=0)
    model.compile()
    model.save("iris.glassnet")
    result = run(command, *words, "--decimal", ",")
    assert result.exit_code == 2
    assert "--decimal is for" in result.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"decimal": ","}, '--decimal ","'),
        ({"header": None}, "--header none"),
        ({"header": 2, "names": ["day", "air temp"]}, '--header 2 --names "day,air temp"'),
        ({"missing": {"y": []}}, '--missing "y="'),
        ({"missing": {"y": ["NA"]}}, "--missing y=NA"),
        ({"delimiter": " "}, '--delimiter " "'),
    ],
)
def test_advice_is_what_a_shell_takes(options, words):
    assert advise("t.csv", **options).endswith(f"or {words}")


def test_predict_writes_cells_as_they_are_in_the_file(tmp_path):
    """`NA` is missing to the network, and still NA in the output. Oracle: the file."""
    rows = "".join(
        f"{['NA', 'red', 'blue'][i % 3]},{i % 5},{'yes' if i % 2 else 'no'}\n" for i in range(30)
    )
    (tmp_path / "words.csv").write_text("color,n,y\n" + rows)
    model = gn.Sequential([gn.layers.Dense(1, activation="sigmoid")], seed=0)
    model.fit("words.csv", target="y", epochs=0, verbose=0)
    model.save("words.glassnet")
    result = run("predict", "words.glassnet", "words.csv")
    assert result.exit_code == 0
    lines = [line.split(",") for line in result.stdout.splitlines()]
    assert [line[0] for line in lines] == ["color", *["NA", "red", "blue"] * 10]
    assert "color=missing" in model.preprocessor.feature_names


@pytest.mark.filterwarnings("ignore:kind. the class 'x' has a single row")
def test_labels_stay_text_if_those_of_the_test_rows_are_numbers(tmp_path):
    """Oracle: the file. The only x is a training row, so the test rows are 1 and 2 alone, as are
    the rows of a second file.
    """
    labels = ["x" if i == 11 else str(i % 2 + 1) for i in range(30)]
    for name, rows in (("labels.csv", labels), ("new.csv", labels[:8])):
        lines = [f"{i % 7}.5,{'ab'[i % 2]},{label}" for i, label in enumerate(rows)]
        (tmp_path / name).write_text("a,b,kind\n" + "\n".join(lines) + "\n")
    words = ("--target", "kind", *FAST, "--out", "m.glassnet")
    result = run("train", "labels.csv", *words)
    assert result.exit_code == 0, result.output
    assert gn.load("m.glassnet").preprocessor.target.labels == ("1", "2", "x")
    result = run("evaluate", "m.glassnet", "new.csv")
    assert result.exit_code == 0, result.output
    assert "new.csv: loss" in result.output


def test_labels_with_zeros_are_written_as_they_are_in_the_file(tmp_path):
    """Oracle: the file. Labels and cells of other columns are those that it holds."""
    rows = [
        f"{i % 9}.5,{['01067', '10115'][i % 2]},{['001', '007'][i // 2 % 2]}" for i in range(40)
    ]
    (tmp_path / "zeros.csv").write_text("a,zip,kind\n" + "\n".join(rows) + "\n")
    result = run("train", "zeros.csv", "--target", "kind", *FAST[:-1], "--out", "m.glassnet")
    assert result.exit_code == 0, result.output
    assert "zip, kind: read as text, to keep leading zeros (such as '01067')" in result.output
    result = run("predict", "m.glassnet", "zeros.csv")
    assert result.exit_code == 0, result.output
    header, *lines = [line.split(",") for line in result.stdout.splitlines()]
    assert header[:3] == ["a", "zip", "kind"]
    assert [",".join(line[:3]) for line in lines] == rows
    assert {line[header.index("predicted kind")] for line in lines} <= {"001", "007"}


@pytest.mark.parametrize("source", ["widths.csv", "folder"])
def test_many_targets_of_equal_width_are_numbers(tmp_path, source):
    """Oracle: the numbers of the file, whose mean is 30.5; `--task classes` says otherwise."""
    (tmp_path / "folder").mkdir()
    text = "a,size\n" + "".join(f"{i % 7}.5,{1 + i:04d}\n" for i in range(60))
    for path in ("widths.csv", "folder/1.csv"):
        (tmp_path / path).write_text(text)
    words = ("train", source, "--target", "size", *FAST[:-1], "--out", "m.glassnet")
    if source == "folder":
        words += ("--task", "numbers")
    result = run(*words)
    assert result.exit_code == 0, result.output
    about = "size has 60 different values, such as 0001, and is treated as a number; --task classes"
    assert (about in result.output) == (source == "widths.csv")
    assert abs(gn.load("m.glassnet").preprocessor.target.mean - 30.5) < 5
    if source == "widths.csv":
        assert "of every class" in run(*words, "--task", "classes").output
