"""The tabs of the project screen, one file each; `base` has the table of them."""
