"""Scores of classified examples, their intervals, and whether two runs differ in them."""
