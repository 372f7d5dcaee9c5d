"""Look inside a network: the numbers of one forward and backward pass."""
