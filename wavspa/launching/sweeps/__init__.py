"""Sweeps: what launchers and sweepers share."""
