"""What layers say of a corpus: from audio to matrices on disk."""
