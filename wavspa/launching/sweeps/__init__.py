"""The common part of launchers and sweepers."""
