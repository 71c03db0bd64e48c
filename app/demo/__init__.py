"""The main job from end to end: seeds a site, drives the simulated world, acts as its people, reports."""
