-- A split crawl knows which category comes next without a page to tell it, for when the server refuses one.

ALTER TABLE crawls ADD COLUMN categories bigint[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN crawls.categories IS 'Root categories a split crawl walks through, as its last page listed them; empty while it is not split.';
