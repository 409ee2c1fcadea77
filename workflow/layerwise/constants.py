"""What everything here agrees on about waveforms."""

SAMPLE_RATE = 16_000  # Hz, of every model here and of the audio that they take
