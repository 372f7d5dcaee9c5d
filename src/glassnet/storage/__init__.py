"""Model files and checkpoints that hold only data and cannot run code."""
