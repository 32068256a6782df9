"""docs/COMPATIBILITY.md's tables: what docker's clients offer, joined with what the machine tests asked of them."""
