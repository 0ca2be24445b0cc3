"""CodeXGLUE: defect detection, clone detection and clone retrieval."""
