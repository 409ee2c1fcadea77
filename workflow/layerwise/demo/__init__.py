"""How the demo was made: its speech, its commands and its models."""
