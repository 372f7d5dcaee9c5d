"""Runs the tests of several devices in processes that have them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).with_name("several_devices.py")


def run_tests(n_devices, marks):
    """Run the tests with a number of CPU devices, and fail with their output."""
    flags = {
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={n_devices}",
        "JAX_PLATFORMS": "cpu",
    }
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")} | flags
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", marks, str(TESTS)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    return run.stdout


def test_two_devices():
    assert "4 passed" in run_tests(2, "not slow")


@pytest.mark.slow
@pytest.mark.parametrize("n_devices", [2, 4])
def test_every_promise(n_devices):
    run_tests(n_devices, "slow")
