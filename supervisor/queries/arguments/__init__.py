"""The arguments of the commands that ask the database; each command does its work in a module of its own."""
