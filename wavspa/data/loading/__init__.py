"""From prepared rows to batches: data sets, samplers, collation."""
