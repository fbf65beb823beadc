"""What pages show, made ready for their templates, and the parameters that say what; nothing of HTTP."""
