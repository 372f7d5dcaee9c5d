"""Functions that draw arrays as matplotlib Figures, without pyplot or a backend."""
