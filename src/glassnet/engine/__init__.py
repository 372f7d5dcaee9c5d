"""Compiled training and inference: network, objective, train step, epoch, loop."""
