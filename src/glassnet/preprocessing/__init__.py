"""Preprocessing fitted to the training data and saved with the model: columns, images, targets."""
