"""Trained runs, opened to see what they learned."""
