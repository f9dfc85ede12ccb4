"""Columns to typed arrays and back: one module per kind, both directions side by side."""
