"""Options as they were typed: known, of the right type, none without effect."""
