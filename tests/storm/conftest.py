"""What pytest needs to know before it imports the storm's tests."""
