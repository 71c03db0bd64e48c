"""The live stream: what changes in a scene, as it changes."""
