"""Paths to typed arrays and back: photographs, artifacts, sheets, configs. Knows no torch."""
