"""The demo's data files and the command that loads them."""
