"""Analysis of trained runs."""
