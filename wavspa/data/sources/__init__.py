"""Files as they come: downloads, archives, tables, pickles."""
