"""What `glassnet train`, `evaluate` and `predict` do for each kind of data."""
