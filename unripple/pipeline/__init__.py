"""What is to be done: the graph of stages for each recipe, and a job's settings and keys."""
