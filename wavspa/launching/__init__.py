"""From a configuration to a run: freezing it into a folder, and training from that folder."""
