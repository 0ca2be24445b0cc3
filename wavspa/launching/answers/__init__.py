"""Columns and tables of a run's predictions."""
