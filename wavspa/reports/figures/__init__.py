"""Drawing functions: from arrays to Matplotlib figures."""
