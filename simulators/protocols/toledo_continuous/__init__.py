"""A scale that sends Toledo's continuous output."""
