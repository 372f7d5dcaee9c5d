"""Compiled training and inference: network, objective, train step, epoch, loop.

Whatever loads this package compiles later, so it sets up the compilation cache.
"""

from glassnet.engine.compilation_cache import listen

listen()
