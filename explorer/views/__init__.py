"""Results as pictures, figures and tables: pure functions that read data and know no user interface."""
