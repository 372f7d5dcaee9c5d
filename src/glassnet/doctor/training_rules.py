"""Rules about what happens during training."""
