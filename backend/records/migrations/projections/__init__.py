"""Steps of the projections. Law: a step that was released never changes; a new one follows it."""
