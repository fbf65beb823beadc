-- Which parts of three characters the title of each deal has, so that a search for words looks at few deals.
-- A table of its own with another writer: a page of deals notes which titles are new, and nothing more. The index takes
-- longer than the page itself, and most titles never change. Plain arrays, for pg_trgm is not on every server.

CREATE TABLE deal_titles (
    asin   text NOT NULL,
    domain smallint NOT NULL,
    parts  smallint[] NOT NULL,
    PRIMARY KEY (domain, asin)
);
-- What a search reads in a row before it comes to the index itself is what the background wrote in a step or two.
CREATE INDEX deal_titles_parts ON deal_titles USING gin (parts) WITH (gin_pending_list_limit = 1024);
COMMENT ON TABLE deal_titles IS 'What a search for words in the titles of deals looks at; written in the background.';
COMMENT ON COLUMN deal_titles.asin IS 'Amazon''s number of the product.';
COMMENT ON COLUMN deal_titles.domain IS 'Amazon locale (domains.id).';
COMMENT ON COLUMN deal_titles.parts IS 'Hashes of each three characters of the title that follow one another (tasks/store/best_deals/title_parts.py).';

CREATE TABLE new_titles (
    asin   text NOT NULL,
    domain smallint NOT NULL
);
COMMENT ON TABLE new_titles IS
    'Deals whose title is new, another one or gone, and not yet so in deal_titles. Without a key: a writer waits for nobody.';
COMMENT ON COLUMN new_titles.asin IS 'Amazon''s number of the product.';
COMMENT ON COLUMN new_titles.domain IS 'Amazon locale (domains.id).';

-- As 0044 has it for the lists.
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT DISTINCT new.name,
            CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee,
            CASE WHEN a.privilege_type = 'INSERT' THEN 'SELECT, INSERT, UPDATE, DELETE' ELSE 'SELECT' END AS rights
        FROM (VALUES ('deal_titles'), ('new_titles')) AS new (name)
        JOIN pg_class AS n ON n.oid = new.name::regclass
        JOIN pg_class AS c ON c.oid = 'fetch_queue'::regclass
        CROSS JOIN aclexplode(c.relacl) AS a
        WHERE a.privilege_type IN ('SELECT', 'INSERT') AND a.grantee NOT IN (c.relowner, n.relowner)
            AND pg_has_role(n.relowner, 'USAGE')
    LOOP
        EXECUTE format('GRANT %s ON %I TO %s', found.rights, found.name, found.grantee);
    END LOOP;
END $$;
