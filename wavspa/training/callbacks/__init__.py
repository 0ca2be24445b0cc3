"""Lightning callbacks: progress, status, predictions."""
