"""Naive references: loops in float64 that follow the definitions word by word."""
