"""What everything here agrees on about waveforms and mel frames."""

SAMPLE_RATE = 16_000  # Hz, of every model here and of the audio that they take
MEL_BANDS = 80
MEL_SECONDS = 0.01  # from one mel frame to the next
MEL_WINDOW_SECONDS = 0.025
