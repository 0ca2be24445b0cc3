"""Checks of options as typed: they are known, have the right type, and none is without effect."""
