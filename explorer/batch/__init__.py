"""Archives of photographs: restored by many processes or machines, with a manifest of what became of each."""
