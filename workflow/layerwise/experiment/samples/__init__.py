"""Whether samples are enough for what is asked of them, and which sizes would be."""
