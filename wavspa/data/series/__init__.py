"""Series of numbers: continuous values of several channels, step by step."""
