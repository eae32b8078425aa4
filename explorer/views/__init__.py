"""Results as pictures, plots and tables: pure functions, independent of any user interface."""
