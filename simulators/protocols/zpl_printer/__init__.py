"""A ZPL label printer on the wire."""
