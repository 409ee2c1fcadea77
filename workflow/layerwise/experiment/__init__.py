"""What one configuration asks for, what it will take, and how its jobs run."""
