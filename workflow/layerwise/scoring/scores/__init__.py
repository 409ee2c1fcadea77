"""How the rows of a layer are scored by each measure: from what is stored to the record of a layer."""
