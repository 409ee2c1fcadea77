"""Tables of segments that a user made: which stretches of which utterances, and what is known of each."""
