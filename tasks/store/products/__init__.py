"""Products and their offers: how a product becomes rows, its columns, and what is read of them."""
