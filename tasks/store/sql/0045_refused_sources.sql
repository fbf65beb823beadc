-- Sources of products that the API refuses, or that cost more than there can ever be: since when, and why.

CREATE TABLE refused_sources (
    source_key text NOT NULL,
    domain     smallint NOT NULL,
    name       text NOT NULL,
    reason     text NOT NULL,
    since      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source_key, domain)
);
COMMENT ON TABLE refused_sources IS 'Sources of products (best sellers, storefronts, searches, lightning deals) that are refused now.';
COMMENT ON COLUMN refused_sources.source_key IS 'Which source: a hash of it, as in crawls.selection_key.';
COMMENT ON COLUMN refused_sources.domain IS 'Amazon locale (domains.id).';
COMMENT ON COLUMN refused_sources.name IS 'The name of its file without the ending.';
COMMENT ON COLUMN refused_sources.reason IS 'Why, as it was said last.';
COMMENT ON COLUMN refused_sources.since IS 'Since when.';

-- As 0044 has it for the lists.
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee,
            CASE WHEN a.privilege_type = 'INSERT' THEN 'SELECT, INSERT, UPDATE, DELETE' ELSE 'SELECT' END AS rights
        FROM pg_class AS n, pg_class AS c CROSS JOIN aclexplode(c.relacl) AS a
        WHERE n.oid = 'refused_sources'::regclass AND c.oid = 'fetch_queue'::regclass
            AND a.privilege_type IN ('SELECT', 'INSERT') AND a.grantee NOT IN (c.relowner, n.relowner)
            AND pg_has_role(n.relowner, 'USAGE')
    LOOP
        EXECUTE format('GRANT %s ON refused_sources TO %s', found.rights, found.grantee);
    END LOOP;
END $$;
