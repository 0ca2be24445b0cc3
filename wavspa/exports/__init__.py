"""A trained model as a folder that other programs read: weights, configuration, card, tokenizer, graphs."""
