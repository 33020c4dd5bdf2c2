"""What findings and reasons are called, mean, and need: sentences, and nothing that decides. One module per subject."""
