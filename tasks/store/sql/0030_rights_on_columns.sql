-- Who may read or write single columns of price_series or calls may do so again. Both names went to something new, with the
-- rights on the whole and without those on columns, which stayed with the tables of before: price_series_rows, and the
-- part of calls that has all from before the first month.

DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT n.relname AS name, a.attname AS column, r.privilege_type, r.is_grantable,
            CASE r.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r.grantee)) END AS grantee
        FROM (
            SELECT 'price_series'::regclass::oid AS new, 'price_series_rows'::regclass::oid AS old
            UNION ALL
            SELECT i.inhparent, i.inhrelid FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
            WHERE i.inhparent = 'calls'::regclass AND c.relname ~ '^calls_before_'
        ) AS moved
        JOIN pg_class AS n ON n.oid = moved.new AND pg_has_role(n.relowner, 'USAGE')
        JOIN pg_attribute AS o ON o.attrelid = moved.old AND o.attnum > 0 AND NOT o.attisdropped
        JOIN pg_attribute AS a ON a.attrelid = moved.new AND a.attname = o.attname AND NOT a.attisdropped
        CROSS JOIN aclexplode(o.attacl) AS r
        WHERE r.grantee <> n.relowner AND (r.privilege_type = 'SELECT' OR n.relkind <> 'v')
    LOOP
        EXECUTE format('GRANT %s (%I) ON %I TO %s %s', found.privilege_type, found.column, found.name, found.grantee,
            CASE WHEN found.is_grantable THEN 'WITH GRANT OPTION' ELSE '' END);
    END LOOP;
END $$;
