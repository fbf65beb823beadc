-- People's own lists of products: which there are, and which of their products are to be fetched again when.

CREATE TABLE watch_lists (
    list_key   text PRIMARY KEY,
    name       text NOT NULL,
    domain     smallint NOT NULL,
    detail     text NOT NULL,
    refresh_s  double precision NOT NULL,
    digest     text NOT NULL,
    loaded_at  timestamptz NOT NULL,
    products   int NOT NULL DEFAULT 0,
    fetched    int NOT NULL DEFAULT 0,
    overdue    int NOT NULL DEFAULT 0,
    oldest_at  timestamptz,
    counted_at timestamptz,
    reason     text,
    since      timestamptz
);
COMMENT ON TABLE watch_lists IS 'Lists of products that are kept fresh, each in one locale and at one level of detail.';
COMMENT ON COLUMN watch_lists.list_key IS 'A hash of name, locale and detail; fetch_queue.selection_key of what waits because of the list.';
COMMENT ON COLUMN watch_lists.name IS 'The name of its file without the ending, or of its table.';
COMMENT ON COLUMN watch_lists.domain IS 'Amazon locale (domains.id).';
COMMENT ON COLUMN watch_lists.detail IS 'How much is fetched of each product, as in fetch_queue.';
COMMENT ON COLUMN watch_lists.refresh_s IS 'Seconds after which a product is fetched again.';
COMMENT ON COLUMN watch_lists.digest IS 'A hash of the contents that were taken over last.';
COMMENT ON COLUMN watch_lists.loaded_at IS 'When they were taken over.';
COMMENT ON COLUMN watch_lists.products IS 'Products in the list.';
COMMENT ON COLUMN watch_lists.fetched IS 'Those of them that were fetched at least once, as counted last.';
COMMENT ON COLUMN watch_lists.overdue IS 'Those that are to be fetched and are not yet, as counted last.';
COMMENT ON COLUMN watch_lists.oldest_at IS 'When the one was fetched that was fetched longest ago; NULL before the first.';
COMMENT ON COLUMN watch_lists.counted_at IS 'When they were counted.';
COMMENT ON COLUMN watch_lists.reason IS 'Why the list cannot be read now; NULL when it can.';
COMMENT ON COLUMN watch_lists.since IS 'Since when.';

CREATE TABLE watched_products (
    list_key   text NOT NULL,
    asin       text NOT NULL,
    due_at     timestamptz NOT NULL DEFAULT '-infinity',
    queued_at  timestamptz,
    fetched_at timestamptz,
    PRIMARY KEY (list_key, asin)
);
CREATE INDEX watched_products_due ON watched_products (list_key, due_at, asin) WHERE queued_at IS NULL;
CREATE INDEX watched_products_queued ON watched_products (list_key, asin) WHERE queued_at IS NOT NULL;
COMMENT ON TABLE watched_products IS 'The products of the lists in watch_lists.';
COMMENT ON COLUMN watched_products.list_key IS 'The list.';
COMMENT ON COLUMN watched_products.asin IS 'The product.';
COMMENT ON COLUMN watched_products.due_at IS 'When it is to be fetched the next time; -infinity: it never was.';
COMMENT ON COLUMN watched_products.queued_at IS 'Since when it is in fetch_queue; NULL: it is not there because of this list.';
COMMENT ON COLUMN watched_products.fetched_at IS 'When it was fetched last, as far as this list knows.';

-- Who may read or write the queue may do so with the lists, as 0028 has it for older tables.
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT DISTINCT new.name,
            CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee,
            CASE WHEN a.privilege_type = 'INSERT' THEN 'SELECT, INSERT, UPDATE, DELETE' ELSE 'SELECT' END AS rights
        FROM (VALUES ('watch_lists'), ('watched_products')) AS new (name)
        JOIN pg_class AS n ON n.oid = new.name::regclass
        JOIN pg_class AS c ON c.oid = 'fetch_queue'::regclass
        CROSS JOIN aclexplode(c.relacl) AS a
        WHERE a.privilege_type IN ('SELECT', 'INSERT') AND a.grantee NOT IN (c.relowner, n.relowner)
            AND pg_has_role(n.relowner, 'USAGE')
    LOOP
        EXECUTE format('GRANT %s ON %I TO %s', found.rights, found.name, found.grantee);
    END LOOP;
END $$;
