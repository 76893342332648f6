"""Plain frozen data: what is known, and the questions that can be asked of it. Standard library only."""
