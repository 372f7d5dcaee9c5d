"""Preprocessing that a model learns from its training data and keeps: columns, images, targets."""
