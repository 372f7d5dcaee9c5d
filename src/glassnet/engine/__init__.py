"""Compiled training and inference: network, objective, train step, epoch, loop.

Importing it prepares the compilation cache, before the first program is compiled.
"""

from glassnet.engine.compilation_cache import listen

listen()
