"""One fit: history, progress, the trainer, and resuming after a crash."""
