"""Sweeps: the common part of launchers and sweepers."""
