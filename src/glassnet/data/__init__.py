"""Data: arrays, tables, images, sequences and text in; validated, split, encoded arrays out."""
