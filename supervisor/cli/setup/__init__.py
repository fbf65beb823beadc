"""The first steps of a new user: the key, the file of settings, a service of systemd."""
