"""One fit: trainer, history, progress, and resuming after a crash."""
