-- Views of others that read products.sales_ranks went on with the column that has had another name since, and is empty in
-- rows of the new form: they read the function now. What is materialized of it, or of price_series, cannot follow.

DO $readers$
DECLARE
    found record;
    alias text;
    definition text;
BEGIN
    FOR found IN
        SELECT DISTINCT v.oid::regclass AS name, v.relkind, pg_get_userbyid(v.relowner) AS owner, v.reloptions,
            pg_has_role(v.relowner, 'USAGE') AS is_ours, pg_get_viewdef(v.oid) AS definition
        FROM pg_depend AS d
        JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
        JOIN pg_class AS v ON v.oid = r.ev_class
        JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE d.refclassid = 'pg_class'::regclass AND (
            (d.refobjid = 'products'::regclass AND a.attname = 'sales_ranks_json')
            OR (d.refobjid = 'price_series_rows'::regclass AND a.attname IN ('minutes', 'prices', 'shipping')
                AND v.relkind = 'm')
        )
    LOOP
        IF found.relkind <> 'v' OR NOT found.is_ours THEN
            RAISE insufficient_privilege USING MESSAGE = format(
                '%s of %s reads a column that is empty in new rows: drop it, and make it again after the upgrade',
                found.name, found.owner);
        END IF;
        -- Where a view reads one table alone, its definition names columns without it.
        alias := coalesce(
            (regexp_match(found.definition, E'\n   FROM (?:\\S+\\.)?products (\\w+|"[^"]+")'))[1], 'products');
        definition := regexp_replace(found.definition, '(^|[^."\w])sales_ranks_json\M', '\1' || alias || '.sales_ranks', 'g');
        definition := regexp_replace(definition, '\.sales_ranks_json\M', '.sales_ranks', 'g');
        EXECUTE format('CREATE OR REPLACE VIEW %s %s AS %s', found.name,
            'WITH (' || array_to_string(found.reloptions, ', ') || ')', definition);
    END LOOP;
END
$readers$;
