"""Views of a trained or untrained network; today the trace of one forward and backward pass."""
