"""What handhelds scan, judged and carried out."""
