-- Who may read or write the other tables may do so with those of the ledger.

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
            ('ledgers', 'turns'),
            ('ledger_events', 'turns'),
            ('hosts', 'turns')
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
