"""A trained model as a folder for other programs: weights, configuration, card, tokenizer, graphs."""
