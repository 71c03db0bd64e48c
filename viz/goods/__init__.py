"""Pallets and lots as the pages list them: seen, in the books, held and pledged side by side."""
