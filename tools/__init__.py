"""Build-time programs of the book: run the notebooks, keep them in normal form, lint the pages."""
