"""Scores on test rows, with confidence intervals and simple baselines."""
