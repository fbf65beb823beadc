"""This host among those that write to the same database: who it is, how it joins them, beats and is judged."""
