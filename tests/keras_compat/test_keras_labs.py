"""The labs: their results, and that only the import differs from scripts for Keras."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from oracles import import_keras

pytestmark = pytest.mark.slow

LABS = Path(__file__).parents[2] / "labs"
KERASS_OWN = pytest.mark.filterwarnings(
    "ignore:Do not pass an .input_shape.", "ignore:__array__ implementation:DeprecationWarning"
)
"""Warnings of Keras itself."""


def for_keras(name, tmp_path, **changed):
    """Write the lab as it is and with Keras's import, and return both paths.

    `changed` replaces constants, to be quick. Only import lines differ. `gn` may load data.
    """
    source = (LABS / name).read_text(encoding="utf-8")
    theirs = re.sub(
        r"^from glassnet\.keras\.",
        "from keras.",
        source.replace("from glassnet import keras", "import keras"),
        flags=re.M,
    )
    assert "glassnet" not in theirs.replace("import glassnet as gn\n", "")
    assert set(re.findall(r"\bgn\.\w+", theirs)) <= {"gn.datasets"}
    differ = [a for a, b in zip(source.splitlines(), theirs.splitlines(), strict=True) if a != b]
    assert all(line.startswith("from glassnet") for line in differ)
    paths = []
    for folder, text in (("ours", source), ("theirs", theirs)):
        for constant, value in changed.items():
            text, count = re.subn(rf"^{constant} = .*$", f"{constant} = {value}", text, flags=re.M)
            assert count == 1
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / name)
        paths[-1].write_text(text, encoding="utf-8")
    return [str(path) for path in paths]


def test_celsius(capsys):
    """Lecture 000: 100 C is 212 F; least squares on the seven rounded pairs gives 211.75."""
    results = runpy.run_path(str(LABS / "celsius.py"))
    assert results["boiling"].item() == pytest.approx(212, abs=1.5)
    assert results["slope"].item() == pytest.approx(1.8, abs=0.05)
    assert results["offset"].item() == pytest.approx(32, abs=5)
    assert (
        results["history"].history["loss"][0] > 1000 > 15 > results["history"].history["loss"][-1]
    )
    assert results["deep_boiling"].item() == pytest.approx(211.75, abs=1)
    assert results["deep"].count_params() == 8 + 20 + 5
    assert "100 C is" in capsys.readouterr().out


def test_noisy_line():
    """The fitted line is the least squares line, with a loss near the noise's variance, 9."""
    results = runpy.run_path(str(LABS / "noisy_line.py"))
    assert results["w"] == pytest.approx(results["best_w"], abs=0.3)
    assert results["b"] == pytest.approx(results["best_b"], abs=0.5)
    residual = results["y"] - results["best_w"] * results["x"] - results["best_b"]
    assert np.mean(residual**2) <= results["loss"] < 1.2 * np.mean(residual**2)
    assert np.mean(residual**2) == pytest.approx(9, abs=2)


@pytest.mark.parametrize(
    "lab",
    sorted(
        path.name
        for path in LABS.glob("*.py")
        if "from glassnet import keras" in path.read_text("utf-8")
    ),
)
def test_only_the_import_differs(lab, tmp_path):
    """The lab compiles with Keras's imports."""
    for path in for_keras(lab, tmp_path):
        compile(Path(path).read_text(encoding="utf-8"), path, "exec")


@pytest.mark.slow
@KERASS_OWN
def test_celsius_in_keras_finds_the_same(tmp_path, capsys):
    """Oracle: the same script in Keras, which finds the same slope and values at 100 C."""
    import_keras().utils.clear_session()  # Keras numbers layers over the whole process
    ours, theirs = (runpy.run_path(path) for path in for_keras("celsius.py", tmp_path))
    for name, margin in (("boiling", 1.0), ("slope", 0.05), ("deep_boiling", 1.0)):
        assert ours[name].item() == pytest.approx(theirs[name].item(), abs=margin)
    assert list(ours["history"].history) == list(theirs["history"].history) == ["loss"]
    assert ours["history"].epoch == theirs["history"].epoch
    assert ours["deep"].count_params() == theirs["deep"].count_params()
    assert [type(part) for part in (ours["boiling"], ours["deep_boiling"])] == [
        np.ndarray,
        np.ndarray,
    ]
    output = capsys.readouterr().out.splitlines()
    shapes = [line.strip() for line in output if line.startswith("  dense")]
    assert len(shapes) == 6
    assert shapes[:3] == shapes[3:]


@KERASS_OWN
def test_noisy_line_in_keras_has_the_same_losses(tmp_path, capsys):
    """Oracle: the same script in Keras: equal losses at equal weights, and nearly the same line.

    The order of the rows differs.
    """
    import_keras()
    ours, theirs = (runpy.run_path(path) for path in for_keras("noisy_line.py", tmp_path))
    assert (ours["w"], ours["b"]) == (
        pytest.approx(theirs["w"], abs=0.5),
        pytest.approx(theirs["b"], abs=0.5),
    )
    losses = re.findall(r"y = \d x \+ 5: loss ([\d.]+)", capsys.readouterr().out)
    assert len(losses) == 6
    assert losses[:3] == losses[3:]


def test_importing_is_light():
    code = "import sys; from glassnet import keras; keras.utils.to_categorical([0]); keras.Sequential, keras.layers.Dense"
    report = "print([m for m in ('sklearn', 'pandas', 'matplotlib') if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", f"{code}; {report}"], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


@pytest.mark.parametrize(
    "line",
    [
        "from glassnet import keras",
        "from glassnet.keras import layers, models, utils, datasets",
        "from glassnet.keras.layers import Dense, Flatten",
        "from glassnet.keras.models import Sequential",
        "from glassnet.keras.datasets import mnist",
        "from glassnet.keras.datasets.fashion_mnist import load_data",
        "from glassnet.keras.utils import to_categorical",
        "from glassnet.keras.optimizers.schedules import ExponentialDecay",
        "from glassnet.keras.optimizers.legacy import Adam",
        "import glassnet.keras.utils as utils",
        "import glassnet.keras.layers",
        "from glassnet.keras.regularizers import *",
    ],
)
def test_imports(line):
    names = {}
    exec(line, names)
    assert len(names) > 1
    subprocess.run(
        [sys.executable, "-c", line], check=True
    ) if "utils" in line or "datasets" in line or "legacy" in line else None
