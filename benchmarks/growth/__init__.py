"""How cost grows with what is kept: databases of several sizes, filled alike, and what they take."""
