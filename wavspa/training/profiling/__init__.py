"""What the time of a training step goes into: ``trainer.profile``."""
