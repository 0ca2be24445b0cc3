"""What a run predicts, as columns and tables."""
