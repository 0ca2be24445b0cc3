"""Long Range Arena: its data sets by their official files."""
