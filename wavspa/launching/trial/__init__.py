"""What a few steps of a run tell, without the run: its cost, a learning rate, a batch size."""
