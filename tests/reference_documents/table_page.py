"""The reference of the database, made from the comments on its tables, views, columns and functions."""

from tests.reference_documents.markdown import code, page, plain, table

# Partitions are left out: their table stands for them.
RELATIONS = """
SELECT c.oid::bigint, c.relname, CASE WHEN c.relkind = 'v' THEN 'view' ELSE 'table' END,
       obj_description(c.oid, 'pg_class')
FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
  AND NOT c.relispartition ORDER BY c.relname
"""
COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, col_description(a.attrelid, a.attnum)
FROM pg_attribute AS a WHERE a.attrelid = %s::bigint AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
FUNCTIONS = """
SELECT p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), obj_description(p.oid, 'pg_proc')
FROM pg_proc AS p WHERE p.pronamespace = 'public'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NOT NULL
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e') ORDER BY 1, 2
"""


def table_page(conn):
    """Every table and view with its columns, and the functions, of a migrated database."""
    parts = []
    for oid, name, kind, words in conn.execute(RELATIONS).fetchall():
        rows = [
            (code(column), code(of), "" if kind == "view" or is_needed else "yes", plain(about or ""))
            for column, of, is_needed, about in conn.execute(COLUMNS, (oid,)).fetchall()
        ]
        heads = ["column", "type", "may be null", "meaning"]
        if kind == "view":
            heads, rows = ["column", "type", "meaning"], [(one, of, about) for one, of, _, about in rows]
        parts += [f"## {name}", f"A {kind}. {plain(words or '')}", table(heads, rows)]
    functions = [
        (code(f"{name}({arguments})"), code(result), plain(words))
        for name, arguments, result, words in conn.execute(FUNCTIONS).fetchall()
    ]
    whole = (
        "`sluicegate psql` opens the database, and `\\d+ NAME` prints the same. [Queries](../queries.md) shows its use."
    )
    return page("Tables and views", whole, *parts, "## Functions", table(["function", "result", "meaning"], functions))
