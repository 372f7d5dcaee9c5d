"""Several processes train as one. Oracle: one process alone, on one device."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import shared_fits
from process_scripts import environment

pl = pytest.importorskip("polars")

pytestmark = pytest.mark.slow

SCRIPT = Path(shared_fits.__file__)
EQUAL = (
    "fit_arrays",
    "fit_stream",
    "fit_sequences",
    "fit_images",
    "fit_memory_map",
    "fit_one_file",
    "fit_files",
    "fit_uneven_stream",
    "fit_with_callbacks",
    "fit_binary",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("shared")
    (path / "tables").mkdir()
    frame = pl.DataFrame({f"x{i}": shared_fits.X[:, i] for i in range(4)})
    frame = frame.with_columns(label=pl.Series(shared_fits.Y).cast(pl.String))
    for i in range(4):
        frame[125 * i : 125 * (i + 1)].write_parquet(path / "tables" / f"part{i}.parquet")
    return path


@pytest.fixture(scope="module")
def alone(folder):
    return shared_fits.run_all(folder)


@pytest.fixture(scope="module")
def together(folder):
    """Results of two processes with two devices each."""
    command = [sys.executable, "-m", "glassnet", "launch", "-n", "2", str(SCRIPT), str(folder)]
    flags = "--xla_force_host_platform_device_count=2"
    run = subprocess.run(
        command, env=environment(XLA_FLAGS=flags), capture_output=True, text=True, timeout=500
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "distribute: 2 processes, 4 CPU devices" in run.stdout
    return [dict(np.load(folder / f"results-2-{index}.npz")) for index in range(2)]


def results_of(fit, results):
    return {
        name.partition("/")[2]: value
        for name, value in results.items()
        if name.partition("/")[0] == fit
    }


@pytest.mark.parametrize("fit", EQUAL)
def test_two_processes_equal_one(alone, together, fit):
    """Weights within 1e-6; the processes agree to the last bit."""
    expected, first, second = (results_of(fit, each) for each in (alone, *together))
    assert expected.keys() == first.keys() == second.keys()
    assert len(expected) > 5
    for name, value in expected.items():
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
        if value.dtype.kind == "U":
            assert first[name] == value
        else:
            tolerance = 1e-5 if name in ("observed", "score") or "logs" in name else 1e-6
            np.testing.assert_allclose(first[name], value, rtol=1e-5, atol=tolerance, err_msg=name)


def test_process_0_decides_and_writes(together, folder):
    """A callback in process 1 wants to stop an epoch earlier, and another rate."""
    for results in together:
        fit = results_of("fit_with_callbacks", results)
        assert int(fit["epochs"]) == 5
        assert str(fit["stopped"]).endswith("process 0 ended")
    lines = (folder / "files-2" / "log.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["epoch", "0", "1", "2", "3", "4"]
    assert (folder / "files-2" / "best.glassnet").exists()


def test_processes_without_a_seed_share_one(together):
    first, second = (results_of("fit_without_seed", each) for each in together)
    for name, value in first.items():
        np.testing.assert_array_equal(second[name], value, err_msg=name)


def test_all_find_the_step_that_fails(alone, together):
    expected, first, second = (results_of("fit_diverging", each) for each in (alone, *together))
    assert "is not finite" in str(expected["stopped"])
    for name in expected:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
    assert first["stopped"] == expected["stopped"]


@pytest.mark.parametrize(
    ("case", "text"),
    [
        ("layers", "ConfigError: fit: expected the same layers[0].units in all processes."),
        ("rows", "ConfigError: fit: expected the same data.x in all processes."),
        ("seed", "ConfigError: fit: expected the same seed in all processes."),
        ("batches", "the same number of rows in the first batch of every process"),
        ("small", "ConfigError: batch_size: expected at least 4 rows, one for each device."),
        ("broken", "the disk is gone"),
    ],
)
def test_disagreement_is_named_before_training(together, case, text):
    for results in together:
        assert text in str(results_of("fit_disagreeing", results)[case])
