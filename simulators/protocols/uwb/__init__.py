"""A UWB positioning server that publishes where its tags are."""
