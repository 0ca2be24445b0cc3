"""Columns and tables of what a run predicts."""
