"""A report as text, CSV, LaTeX, Markdown and HTML."""
