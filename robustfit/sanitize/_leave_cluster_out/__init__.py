"""How a row is judged by models that have not seen rows like it."""
