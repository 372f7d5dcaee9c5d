"""The commands, each a click command named `command` in a module of its name."""
