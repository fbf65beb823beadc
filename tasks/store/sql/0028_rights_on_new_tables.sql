-- Who may read or write a table may do so with those that were made beside it since: a role that only reads goes on with
-- `deals`, `queue` and `spend`, and one that works without owning the tables goes on with its work.

DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT DISTINCT new.name,
            CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee,
            CASE WHEN a.privilege_type = 'INSERT' AND n.relkind <> 'v' THEN 'SELECT, INSERT, UPDATE, DELETE' ELSE 'SELECT' END
                AS rights
        FROM (VALUES
            ('calls_hourly', 'calls'),
            ('fetch_queue_counts', 'fetch_queue'),
            ('fetch_queue_check', 'fetch_queue'),
            ('selections', 'deals'),
            ('selections', 'deal_sightings'),
            ('background_duties', 'turns'),
            ('sales_rank_history', 'products')
        ) AS new (name, beside)
        JOIN pg_class AS n ON n.oid = new.name::regclass
        JOIN pg_class AS c ON c.oid = new.beside::regclass
        CROSS JOIN aclexplode(c.relacl) AS a
        WHERE a.privilege_type IN ('SELECT', 'INSERT') AND a.grantee NOT IN (c.relowner, n.relowner)
            AND pg_has_role(n.relowner, 'USAGE') AND (a.privilege_type = 'SELECT' OR c.relkind <> 'v')
    LOOP
        EXECUTE format('GRANT %s ON %I TO %s', found.rights, found.name, found.grantee);
    END LOOP;
END $$;
