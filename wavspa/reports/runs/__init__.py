"""Reading run folders for reports."""
