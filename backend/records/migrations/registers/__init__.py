"""Steps of the registers. Law: a step that was released never changes; a new one follows it."""
