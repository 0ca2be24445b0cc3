"""The paper's released configurations as ``experiment=paper/…``, from one table."""
