"""Sources and the targets that are to be written of them."""
