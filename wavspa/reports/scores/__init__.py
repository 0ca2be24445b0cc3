"""Scores of classified examples, their intervals, and tests of whether two runs differ."""
