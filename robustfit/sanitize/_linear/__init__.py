"""Linear learners row by row: the loss they minimise, the gradients of single rows, what leaving one out does."""
