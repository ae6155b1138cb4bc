"""From a weights file to a ready network."""
