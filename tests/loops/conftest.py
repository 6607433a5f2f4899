"""What pytest needs to know before it imports the tests of loops."""
