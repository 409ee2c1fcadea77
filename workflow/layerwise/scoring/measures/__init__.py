"""How rows of a layer and a target become numbers."""
