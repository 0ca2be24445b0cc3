"""The division of a training step's time among its parts: ``trainer.profile``."""
