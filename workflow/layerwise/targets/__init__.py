"""What rows are compared with where no file of representations has it: labels, vectors, attributes and numbers."""
