"""Tables of cells: means, comparisons, footnotes."""
