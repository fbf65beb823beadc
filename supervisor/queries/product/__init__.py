"""One product: the address of its page, its figures and its chart, what fetching it again costs."""
