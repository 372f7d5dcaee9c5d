"""Output, files and errors of the commands."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV

import glassnet as gn
from glassnet.cli import arguments, default_models, main, output
from glassnet.cli.jobs import fitting

pytestmark = pytest.mark.slow

HEAVY = ("jax", "numpy", "sklearn", "pandas", "matplotlib", "rich", "pooch")
HEAVY += ("starlette", "uvicorn", "websockets", "msgspec")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(*words):
    return CliRunner().invoke(main, list(words))


def fresh(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize(
    "doing", ["", "; glassnet.cli.main(['--help'])", "; glassnet.cli.main(['studio', '--help'])"]
)
def test_help_loads_click_alone(doing):
    report = f"import atexit, sys; atexit.register(lambda: print([m for m in {HEAVY} if m in sys.modules]))"
    assert fresh(f"{report}; import glassnet.cli{doing}").splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("train",),
        ("studio",),
        ("diagnose",),
        ("cross-validate",),
        ("sweep",),
        ("trace",),
        ("datasets",),
        ("evaluate",),
        ("predict",),
        ("forecast",),
        ("summary",),
    ],
)
def test_help_has_examples(command):
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "glassnet " + " ".join(command) in result.stdout.split("Options:")[0].partition("\n")[2]


def test_module_and_version():
    process = subprocess.run(
        [sys.executable, "-m", "glassnet", "--version"], capture_output=True, text=True, check=True
    )
    assert process.stdout == f"glassnet {gn.__version__}\n"


def test_digits_with_defaults():
    """The accuracy on test rows is 0.95 or more, as the last line says, and curves are drawn."""
    result = run("train", "digits")
    assert result.exit_code == 0
    last = result.stdout.splitlines()[-1]
    assert float(last.split()[2]) >= 0.95
    assert re.match(r"digits: accuracy 0\.9\d\d \(0\.9\d\d to 0\.9\d\d\), ", last)
    assert " logistic regression 0.969, " in last
    assert ", curves.png  loss █" in last
    assert last.endswith("▁")
    assert "\nmajority             0.100  0.070 to 0.134\n" in result.stdout
    assert Path("curves.png").read_bytes().startswith(b"\x89PNG\r\n")
    assert (
        "8x8 → Rescaling(1/16) → Flatten → Dense(128, relu) → Dense(10, softmax): 9,610 weights"
        in result.stdout
    )


def test_regression_is_scored_in_its_own_units():
    """Oracle: the errors of scikit-learn's models on standardized columns and of the mean."""
    score = json.loads(run("train", "diabetes", "--json", "--no-plot").stdout)["score"]
    data = gn.datasets.load("diabetes")
    x, x_test = ((part - data.x.mean(0)) / data.x.std(0) for part in (data.x, data.x_test))
    ridge = RidgeCV(np.logspace(-1, 3, 9)).fit(x, data.y).predict(x_test)
    trees = HistGradientBoostingRegressor(early_stopping=False, random_state=0)
    trees = trees.fit(x, data.y).predict(x_test)
    guesses = (ridge, trees, data.y.mean())
    errors = [np.sqrt(np.mean((data.y_test - guess) ** 2)) for guess in guesses]
    assert (score["metric"], score["rows"]) == ("RMSE", 88)
    assert [rival["name"] for rival in score["rivals"]] == [
        "ridge",
        "gradient-boosted trees",
        "mean",
    ]
    assert [rival["value"] for rival in score["rivals"]] == pytest.approx(errors, rel=1e-4)
    assert score["network"]["value"] < 0.85 * errors[2]
    line = run("train", "diabetes", "--quiet", "--no-plot").stdout
    low, high = score["network"]["interval"]
    interval = rf"{score['network']['value']:.2f} \({low:.2f} to {high:.2f}\)"
    assert re.match(rf"diabetes: RMSE {interval}, within noise of ridge {errors[0]:.2f}, ", line)


def test_json_is_all_there_is_and_says_it_all():
    result = run(
        "train",
        "iris",
        "--json",
        "--epochs",
        "3",
        "--layers",
        "4,3",
        "--seed",
        "7",
        "--plot",
        "iris.svg",
    )
    facts = json.loads(result.stdout)
    assert result.stderr == ""
    assert facts.keys() >= {"score", "learned", "seconds", "history", "seed", "settings"}
    assert len(facts["history"]["val_loss"]) == facts["epochs"] == 3
    assert (facts["seed"], facts["plot"], facts["dataset"], facts["stopped"]) == (
        7,
        "iris.svg",
        "iris",
        None,
    )
    expected = {
        "layers": [4, 3],
        "epochs": 3,
        "validation_split": 0.1,
        "learning_rate": 0.001,
        "batch_size": 32,
        "optimizer": "adam",
    }
    assert facts["settings"].items() >= expected.items()
    assert Path("iris.svg").exists()


def test_same_seed_same_run():
    words = (
        "train",
        "moons",
        "--json",
        "--no-plot",
        "--epochs",
        "4",
        "--dropout",
        "0.2",
        "--batch-size",
        "full",
    )
    first, second, other = (
        json.loads(run(*words, "--seed", seed).stdout)["history"] for seed in "001"
    )
    assert first == second
    assert first != other


def test_quiet_is_one_line_and_no_epochs_draw_nothing():
    result = run("train", "xor", "--epochs", "0", "--quiet")
    assert len(result.stdout.splitlines()) == 1
    assert "curves.png" not in result.stdout
    assert not Path("curves.png").exists()


def test_patience_stops_early():
    facts = json.loads(
        run(
            "train", "diabetes", "--json", "--no-plot", "--patience", "3", "--learning-rate", "0.02"
        ).stdout
    )
    assert facts["epochs"] < facts["settings"]["epochs"]
    assert "val_loss has not improved for 3 epochs" in facts["stopped"]


def test_downloaded_images(shared_data):
    """A twelfth of the rows is enough for 0.9."""
    facts = json.loads(
        run("train", "mnist", "--layers", "64,64", "--epochs", "3", "--json", "--no-plot").stdout
    )
    assert facts["score"]["network"]["value"] > 0.9


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", "digitz"), "Did you mean 'digits'?"),
        (("trace", "xorr"), "Did you mean 'xor'?"),
        (
            ("train", "digits", "--layers", "64,x"),
            "hidden layers, such as 64 or 64,32, or none. Received: '64,x'.",
        ),
        (("train", "digits", "--layers", "0"), "Received: '0'."),
        (("train", "digits", "--epochs", "-1"), "-1 is not in the range x>=0"),
        (("train", "digits", "--dropout", "1"), "1.0 is not in the range 0<=x<1"),
        (
            ("train", "digits", "--batch-size", "0"),
            "a number of rows >= 1, or full. Received: '0'.",
        ),
        (("train", "digits", "--learning-rate", "0"), "0.0 is not in the range x>0"),
        (("train", "digits", "--learning-rate", "nan"), "learning_rate to be a number > 0"),
        (("train", "digits", "--activation", "rellu"), "Did you mean 'relu'?"),
        (("train", "digits", "--optimizer", "adamm"), "Did you mean 'adam'?"),
        (("train", "digits", "--plot", "nowhere/curves.png"), "a file in a folder that exists"),
        (("train", "digits", "--plot", "curves.doc"), "a file that ends in .png, .svg, .pdf"),
        (("train", "xor", "--validation-split", "0.01", "--quiet"), "rows=4"),
        (("train",), "Missing argument 'NAME|FILE|FOLDER'"),
        (("trani",), "No such command 'trani'"),
        (("train", "digits", "--bogus"), "--bogus"),
        (("trace", "xor", "--row", "4"), "a row from 0 to 3. Received: 4."),
        (("trace", "xor", "--neuron", "dense_1"), "such as dense_1:0. Received: 'dense_1'."),
        (("trace", "xor", "--neuron", "dense_1:9"), "a unit from 0 to 1. Received: unit=9."),
        (("trace", "xor", "--layer", "dense_7"), "Did you mean 'dense_"),
    ],
)
def test_mistakes_are_one_line(words, message):
    result = run(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("glassnet: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_diverging_run_warns_in_one_line():
    words = [
        "train",
        "line",
        "--optimizer",
        "sgd",
        "--learning-rate",
        "1e6",
        "--no-plot",
        "--epochs",
        "20",
    ]
    process = subprocess.run(
        [sys.executable, "-m", "glassnet", *words], capture_output=True, text=True
    )
    assert process.returncode == 3  # the second step diverges, and nothing is learned
    assert process.stderr.startswith("glassnet: Training stopped in ")
    assert process.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_keeps_what_was_learned():
    words = ["train", "digits", "--epochs", "100000", "--no-plot"]
    with subprocess.Popen(
        [sys.executable, "-m", "glassnet", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        lines = [process.stdout.readline() for _ in range(3)]
        assert lines[2].startswith("epoch 1/")
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert rest.splitlines()[-1].startswith("digits: accuracy 0.")
    assert errors == ""


@pytest.mark.parametrize(
    ("devices", "message"),
    [
        (
            "99",
            r"^glassnet: devices: expected at most \d+, the number of .* Received: devices=99\.",
        ),
        ("two", r"expected a number of devices >= 1, or all\. Received: 'two'\."),
    ],
)
def test_devices_that_there_are_not(devices, message):
    result = run("train", "iris", "--epochs", "1", "--no-plot", "--devices", devices)
    assert result.exit_code == 2
    assert re.search(message, result.stderr)


def test_interrupted_before_training(monkeypatch):
    def press(name):
        raise KeyboardInterrupt

    monkeypatch.setattr("glassnet.datasets.load", press)
    result = run("train", "digits")
    assert (result.exit_code, result.stderr.strip()) == (130, "glassnet: interrupted")


def test_texts_are_read_word_by_word():
    """Oracle: the words of the training rows; the shape is known before `fit`."""
    data = gn.datasets.load("reviews")
    settings = {
        "layers": [4],
        "activation": "relu",
        "optimizer": "adam",
        "learning_rate": None,
        "seed": 0,
    }
    made = default_models.build_model(data, settings, dropout=0.0)
    kinds = "TextVectorization → Embedding → Bidirectional → Dense(4, relu) → Dense(1, sigmoid)"
    assert default_models.describe_model(made).startswith(
        f"{max(len(text.split()) for text in data.x)} → {kinds}: "
    )
    words = {
        word
        for text in data.x
        for word in text.lower().replace(".", "").replace(",", "").replace(":", "").split()
    }
    assert made.get_layer("embedding_1").input_dim == len(words) + 2
    assert made.predict(data.x_test[:3]).shape == (3, 1)


def test_trace_xor_shows_the_numbers():
    """Oracle: the forward pass in NumPy with the weights of the same seed."""
    result = run("trace", "xor", "--layers", "2", "--row", "1")
    assert result.exit_code == 0
    settings = {
        "layers": (2,),
        "activation": "sigmoid",
        "optimizer": "sgd",
        "learning_rate": 0.1,
        "seed": 0,
    }
    w1, b1, w2, b2 = default_models.build_model(
        gn.datasets.load("xor"), settings, dropout=0.0
    ).get_weights()
    a = 1 / (1 + np.exp(-(np.array([0, 1]) @ w1 + b1)))
    p = 1 / (1 + np.exp(-(a @ w2 + b2)))
    for number in (*w1.ravel(), *a, *w2.ravel(), *p, *(p - 1)):
        assert f"{number:.4f}" in result.stdout
    assert float(re.search(r"BinaryCrossentropy = (\S+)", result.stdout)[1]) == pytest.approx(
        -np.log(p[0]), rel=1e-4
    )
    lines = result.stdout.splitlines()
    assert lines[0].startswith(
        "xor, row 1 (1): 2 → Dense(2, sigmoid) → Dense(1, sigmoid): 9 weights, untrained"
    )
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 120


def test_trace_picks_a_row_without_zeros():
    assert run("trace", "xor").stdout.startswith("xor, row 3 (0)")


def test_trace_of_a_neuron_and_a_layer():
    result = run("trace", "xor", "--neuron", "dense_1:0", "--layer", "dense_2", "--epochs", "2")
    assert "after 2 epochs" in result.stdout
    assert "dL/dw0" in result.stdout
    assert "bias trick" in result.stdout


def test_trace_of_a_table_is_standardised():
    facts = json.loads(run("trace", "diabetes", "--json").stdout)
    assert [link["layer"] for link in facts["links"]] == [
        "Normalization",
        "Dense",
        "Activation",
        "Dense",
        "Rescaling",
    ]
    assert np.abs(facts["links"][0]["output"]).max() < 10


def test_trace_json_is_the_trace():
    facts = json.loads(run("trace", "xor", "--json").stdout)
    assert (facts["dataset"], facts["row"], facts["x"]) == ("xor", 3, [[1.0, 1.0]])
    assert facts["loss"] > 0
    assert [link["name"] for link in facts["links"]] == [
        "dense_1",
        "dense_1.sigmoid",
        "dense_2",
        "dense_2.sigmoid",
    ]


def test_datasets_lists_every_one():
    lines = run("datasets").stdout.splitlines()
    assert lines[0].split()[:3] == ["name", "task", "rows"]
    assert [line.split()[0] for line in lines[1:]] == list(gn.datasets.names())
    assert all(line == line.rstrip() for line in lines)
    facts = json.loads(run("datasets", "--json").stdout)["datasets"]
    assert {
        "name": "xor",
        "task": "2 classes",
        "rows": 4,
        "shape": [2],
        "source": "generated",
    }.items() <= facts[4].items()


@pytest.mark.parametrize(
    ("text", "widths"), [("64", (64,)), ("64,32", (64, 32)), ("64, 32", (64, 32)), ("none", ())]
)
def test_widths(text, widths):
    assert arguments.Widths().convert(text, None, None) == widths


@pytest.mark.parametrize(
    ("values", "drawn"),
    [([], ""), ([3.0], "▁"), ([1, 1, 1], "▁▁▁"), ([8, 4, 2, 1, 1], "█▄▂▁▁"), ([0, 7], "▁█")],
)
def test_sparkline(values, drawn):
    assert output.sparkline(values) == drawn


@pytest.mark.parametrize(
    ("losses", "text"),
    [
        ([0.8, 0.4, 0.2], "loss █▃▁"),
        ([0.6952, 0.694, 0.6931, 0.6931], "loss flat at 0.6931"),
        ([2.3, 2.3], "loss flat at 2.3"),
        ([0.0, 0.0], "loss flat at 0"),
        ([-1.0, -1.001], "loss flat at -1.001"),
        ([-1.0, 1.0], "loss ▁█"),
        ([0.7, 0.68], "loss █▁"),
        ([0.7, 0.68, math.nan], "loss █▁"),
    ],
)
def test_a_flat_loss_is_called_flat(losses, text):
    """Oracle: by hand. A curve within 1 % of its size is flat; other curves are drawn."""
    assert output.describe_losses(losses, 24) == text


def test_noise_around_a_constant_is_flat():
    """Oracle: losses from 0.68 to 0.72 in random order; means of 100 have a standard error of 0.001."""
    losses = np.random.default_rng(0).permutation(np.linspace(0.68, 0.72, 400))
    assert output.describe_losses(losses, 4).startswith("loss flat at 0.")


def test_lines_break_between_words_on_a_terminal(monkeypatch, capsys):
    line = "8x8 → Flatten → Dense(128, relu) → Dense(10, softmax)"
    output.print_wrapped(line)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    output.print_wrapped(line)
    assert (
        capsys.readouterr().out
        == f"{line}\n8x8 → Flatten → Dense(128, relu) →\n  Dense(10, softmax)\n"
    )


def test_sparkline_averages_long_runs():
    """The means of 0..99 in 4 blocks of 25 rise evenly."""
    assert output.sparkline(range(100), width=4) == "▁▃▆█"


@pytest.mark.parametrize(
    ("rows", "batch", "split", "epochs"),
    [
        (4, 32, 0.0, 500),
        (1438, 32, 0.1, 25),
        (60_000, 32, 0.1, 5),
        (1438, "full", 0.1, 500),
        (120, 120, 0.1, 500),
    ],
)
def test_defaults_follow_the_rows(rows, batch, split, epochs):
    """1438 rows are 1294 training rows in 41 batches of 32; 1000 / 41 is rounded up."""
    settings = {"epochs": None, "validation_split": None, "batch_size": batch}
    fitting.fill_defaults(settings, rows, 1000, 0.1)
    assert (settings["validation_split"], settings["epochs"]) == (split, epochs)


def test_json_has_no_nan(capsys):
    output.print_json({"loss": float("nan"), "weights": np.array([1.0, np.inf])})
    assert capsys.readouterr().out == '{"loss": null, "weights": [1.0, null]}\n'


def test_a_picture_that_cannot_be_written_does_not_cost_the_score(tmp_path, monkeypatch):
    def full(self, *args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", full)
    result = run("train", "and", "--epochs", "2", "--plot", str(tmp_path / "curves.png"))
    assert result.exit_code == 2
    assert "and: " in result.stdout
    assert (
        result.stderr.strip()
        == f"glassnet: cannot write the learning curves to {tmp_path / 'curves.png'}: No space left on device."
    )


def test_json_goes_without_the_arithmetic():
    result = run("trace", "xor", "--json", "--neuron", "dense_1:0")
    assert result.exit_code == 2
    assert (
        "--json cannot be combined with --neuron or --layer: it contains every number."
        in result.stderr
    )


def test_a_command_ends_without_a_search_for_garbage():
    """Oracle: gc.callbacks of a fresh process; exit functions run in the reverse order."""
    code = (
        "import atexit, gc, sys\n"
        "atexit.register(lambda: print(gc.get_freeze_count() > 1000, gc.collect() < 1000))\n"
        "from glassnet.cli import main\n"
        "main(['--version'])"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout.splitlines()[1:] == ["True True"]


def test_help_lists_the_options_by_kind_of_data():
    """Each option stands once, and the general ones come last, under `Options`."""
    for name, titles in {
        "train": ["tables", "CSV files", "time series", "images"],
        "evaluate": ["CSV files"],
        "predict": ["CSV files"],
    }.items():
        text = CliRunner().invoke(main, [name, "--help"]).stdout
        lines = text.splitlines()
        sections = [line[:-1] for line in lines if line.startswith("Options")]
        assert sections == [*(f"Options for {title}" for title in titles), "Options"]
        for option in main.commands[name].params:
            if isinstance(option, click.Option):
                shown = [line for line in lines if line.startswith(f"  {option.opts[0]} ")]
                assert len(shown) == 1
        csv = text.split("Options for CSV files:")[1].split("Options")[0]
        assert "--delimiter CHARACTER" in csv
        assert "--json" not in csv
