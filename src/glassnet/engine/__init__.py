"""The pure, compiled engine: the network, the objective, one step, one epoch, the loop over epochs,
and inference.
"""
