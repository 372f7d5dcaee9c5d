"""Files written by release 0.1.0 load in every later release: models of each type and checkpoints.

Oracle: that release's predictions before and after one more epoch, and its own bytes, since saving
a loaded model gives the same file.
"""

import json
import shutil

import numpy as np
import pytest
from crafted import unpack
from golden_models import FOLDER, MODELS, X, run_fit, run_model

import glassnet as gn
from lives import files

EXPECTED = np.load(FOLDER / "expected.npz")
TOLERANCE = {"rtol": 1e-4, "atol": 1e-6}
"""Float32 differences between machines."""


@pytest.mark.parametrize("name", MODELS)
def test_a_golden_model_loads_predicts_and_trains_on(name, tmp_path):
    model = gn.load(FOLDER / f"{name}.glassnet")
    _, rows, x, y = MODELS[name](tmp_path)
    np.testing.assert_allclose(model.predict(rows), EXPECTED[f"{name}/predicted"], **TOLERANCE)
    model.fit(x, y, epochs=1, batch_size=8, verbose=0)
    np.testing.assert_allclose(model.predict(rows), EXPECTED[f"{name}/next"], **TOLERANCE)


@pytest.mark.parametrize("name", MODELS)
def test_a_golden_model_is_saved_as_the_same_file(name, tmp_path):
    """Tags and keys are unchanged; only the version of the writer may differ."""
    before = (FOLDER / f"{name}.glassnet").read_bytes()
    gn.load(FOLDER / f"{name}.glassnet").save(tmp_path / "again")
    (was, *arrays), (now, *others) = unpack(before), unpack((tmp_path / "again").read_bytes())
    assert json.dumps(was | {"version": ""}) == json.dumps(now | {"version": ""})
    assert arrays == others


@pytest.mark.filterwarnings(
    "ignore:resume. the run in .* was computed with:glassnet.errors.TrainingWarning"
)
@pytest.mark.parametrize("newest", [0, 1], ids=["where an epoch ends", "within an epoch"])
def test_golden_checkpoints_are_resumed(newest, tmp_path):
    """Oracle: the uninterrupted run."""
    shutil.copytree(FOLDER / "run", tmp_path / "run")
    for newer in files(tmp_path / "run")[:newest]:
        newer.unlink()
    model = run_model()
    assert run_fit(model, tmp_path / "run").epoch == [0, 1, 2, 3, 4, 5]
    np.testing.assert_allclose(model.predict(X), EXPECTED["run/predicted"], **TOLERANCE)
    assert len(files(FOLDER / "run")) == 2
