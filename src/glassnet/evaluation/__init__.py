"""Honest scores: metrics on held-out rows, beside simple baselines, with intervals."""
