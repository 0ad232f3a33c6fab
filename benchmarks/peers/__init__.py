"""How others do the same work. A peer that is not installed raises UnavailableError with the reason."""
