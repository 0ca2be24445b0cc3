"""The paper's released configurations as ``experiment=paper/…``, read from one table."""
