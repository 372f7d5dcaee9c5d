"""The browser studio: a playground on your own data, computed by the engine of `fit`."""
