"""Clean runs: ordinary, well-set networks, by which the doctor's false alarms are counted.

`verify_clean.py` shows that each one is well set: its answers for rows that it has not seen beat a
constant, are not behind a linear model or nearest neighbours, and its validation loss does not rise
again. A run that is not well set is repaired (more epochs, early stopping, another rate) before any
rule sees it, never afterwards to silence a rule.
"""

from __future__ import annotations

import clean_images
import clean_sequences
import clean_tables
from cases import Case

CLEAN: tuple[Case, ...] = (*clean_tables.CASES, *clean_images.CASES, *clean_sequences.CASES)
"""All clean runs, for tuning and reporting."""

QUICK = (
    "moons_relu",
    "blobs_without_hidden_layer",
    "plane_one_neuron",
    "iris_normalization",
    "wine_standardized",
    "digits_momentum",
    "oscillation_windows_dense",
    "opinions_words",
)
"""Names of the quickest runs, for the tests."""
