"""The names of categories that a search may suggest."""

from tasks.store.best_deals import categories


def test_what_the_server_calls_a_category_without_a_name_is_no_name(conn):
    conn.execute(
        "INSERT INTO categories (domain, id, name) VALUES (1, 1, '?'), (1, 2, 'Toys'), (3, 2, 'Toys'), (5, 3, '本')"
    )
    assert categories.names(conn) == ["Toys", "本"]
