"""A batch of rows compared with trusted ones: what is not as it was, in which rows."""
