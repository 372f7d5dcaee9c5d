"""docs/larger.md: the plan for hundreds of hosts. Oracle: the page's formula and the networks themselves."""

import pytest

import glassnet as gn
import pages
from glassnet.layers import LSTM, Conv2D, Dense, Flatten, MaxPooling2D

NETWORKS = {
    "MLP 784-128-10": ((784,), [Dense(128)]),
    "CNN 32-64-128 on 28 x 28 pixels": (
        (28, 28, 1),
        [Conv2D(32, 3), MaxPooling2D(), Conv2D(64, 3), MaxPooling2D(), Flatten(), Dense(128)],
    ),
    "LSTM(32) on 8 features": ((50, 8), [LSTM(32)]),
    "MLP 784-4096-4096-1216-10": ((784,), [Dense(4096), Dense(4096), Dense(1216)]),
}
ROWS = pages.cells("larger.md", "A plan on paper for hundreds of hosts")
HOSTS, LATENCY = 100, 50e-6


def number(cell):
    return float(cell.replace(",", ""))


def ring_milliseconds(n_bytes, gigabits):
    """2 (N - 1) messages of n_bytes / N, one after another."""
    return 1e3 * 2 * (HOSTS - 1) * (LATENCY + n_bytes / HOSTS / (gigabits * 1e9 / 8))


def test_each_network_is_in_the_table():
    assert [row[0] for row in ROWS] == list(NETWORKS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_follows_from_the_network_and_the_formula(row):
    """Adam has two averages per weight, and the best weights are another copy."""
    name, n_bytes, *times, step, share, checkpoint = row
    shape, layers = NETWORKS[name]
    model = gn.Sequential([gn.layers.Input(shape), *layers, Dense(10)], seed=0)
    assert number(n_bytes) == 4 * model.count_params()
    assert number(checkpoint) == 4 * number(n_bytes)
    for cell, gigabits in zip(times, (1, 10, 100), strict=True):
        assert number(cell) == pytest.approx(
            ring_milliseconds(number(n_bytes), gigabits), rel=0.005
        )
    expected = number(step) / (number(step) + ring_milliseconds(number(n_bytes), 10))
    assert number(share) == pytest.approx(expected, abs=0.005)


def test_numbers_in_the_text():
    text = " ".join(pages.read("larger.md").split())
    gigabytes = 1000 / HOSTS * (HOSTS - 1) / HOSTS
    assert f"send {gigabytes:.1f} GB and receive as many: {gigabytes * 8:.0f} s at 1 Gbit/s" in text
    year = 24 * 365.25
    assert f"every {year / 100:.0f} hours, and one of 500 every {year / 500:.0f} hours" in text
    assert f"terabyte at 1 GB/s takes {1000 / 60:.0f} minutes" in text
    assert f"a billion rows take {1e9 / 0.65e6 / 60:.0f} minutes in every epoch" in text
