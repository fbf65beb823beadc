-- Rules that tell people of deals: which deals have changed, what each rule knows of a product, and what is to be told.
-- A worker writes down which deals have changed in the transaction of its page, and only while rules are in use.
-- What follows from a change and what is to be sent because of it are committed together, so a kill loses no message.

CREATE TABLE deal_changes (
    domain smallint NOT NULL,
    asin   text NOT NULL
);
COMMENT ON TABLE deal_changes IS
    'Deals that have changed and that no rule has looked at since. Without a key: a writer waits for nobody who reads.';
COMMENT ON COLUMN deal_changes.domain IS 'Amazon locale (domains.id).';
COMMENT ON COLUMN deal_changes.asin IS 'Amazon''s number of the product.';

CREATE TABLE rules (
    rule    text PRIMARY KEY,
    digest  text NOT NULL,
    seen_at timestamptz NOT NULL
);
COMMENT ON TABLE rules IS 'The rules in use, by the names of their files.';
COMMENT ON COLUMN rules.rule IS 'The name of its file without the ending.';
COMMENT ON COLUMN rules.digest IS 'A hash of what selects its deals: when that is another one, the rule begins anew.';
COMMENT ON COLUMN rules.seen_at IS 'When it was in use last.';

CREATE TABLE rule_products (
    asin       text NOT NULL,
    domain     smallint NOT NULL,
    rule       text NOT NULL,
    price_type text NOT NULL,
    price      numeric NOT NULL,
    matches    boolean NOT NULL,
    told_at    timestamptz,
    told_price numeric,
    told_low   numeric,
    told_high  numeric,
    seen_at    timestamptz NOT NULL,
    PRIMARY KEY (asin, domain, rule)
);
CREATE INDEX rule_products_rule ON rule_products (rule, seen_at);
COMMENT ON TABLE rule_products IS 'What a rule knows of each product that has met it.';
COMMENT ON COLUMN rule_products.asin IS 'Amazon''s number of the product.';
COMMENT ON COLUMN rule_products.domain IS 'Amazon locale (domains.id).';
COMMENT ON COLUMN rule_products.rule IS 'The rule (rules.rule).';
COMMENT ON COLUMN rule_products.price_type IS 'Keepa''s name of the price type.';
COMMENT ON COLUMN rule_products.price IS 'Its price when the rule last looked, in money of the locale.';
COMMENT ON COLUMN rule_products.matches IS 'Whether it met the rule then.';
COMMENT ON COLUMN rule_products.told_at IS 'When people were last told of it; NULL: never.';
COMMENT ON COLUMN rule_products.told_price IS 'The price that they were told then.';
COMMENT ON COLUMN rule_products.told_low IS 'The lowest price they were told, in the time for which repeats are held back.';
COMMENT ON COLUMN rule_products.told_high IS 'The highest, likewise.';
COMMENT ON COLUMN rule_products.seen_at IS 'When the rule last looked.';

CREATE TABLE notices (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule    text NOT NULL,
    made_at timestamptz NOT NULL,
    content json NOT NULL
);
CREATE INDEX notices_rule ON notices (rule, id);
COMMENT ON TABLE notices IS 'What people are to be told and is in no message yet: quiet hours, a digest or the hourly limit hold it back.';
COMMENT ON COLUMN notices.id IS 'A number that grows.';
COMMENT ON COLUMN notices.rule IS 'The rule (rules.rule).';
COMMENT ON COLUMN notices.made_at IS 'When the rule fired.';
COMMENT ON COLUMN notices.content IS 'The deal and what has happened to it.';

CREATE TABLE messages (
    id            uuid PRIMARY KEY,
    rule          text NOT NULL,
    target        text NOT NULL,
    made_at       timestamptz NOT NULL,
    notices       int NOT NULL,
    content       json NOT NULL,
    due_at        timestamptz NOT NULL,
    attempts      int NOT NULL DEFAULT 0,
    failing_since timestamptz,
    reason        text,
    sent_at       timestamptz
);
CREATE INDEX messages_unsent ON messages (target, made_at) WHERE sent_at IS NULL;
CREATE INDEX messages_made ON messages (rule, made_at);
COMMENT ON TABLE messages IS 'Messages to send and, for 30 days, those that were sent.';
COMMENT ON COLUMN messages.id IS 'What a receiver can know a repeat by: it is the same however often the message is sent.';
COMMENT ON COLUMN messages.rule IS 'The rule (rules.rule).';
COMMENT ON COLUMN messages.target IS 'The name of the target. Where that is, and its secrets, are in no table.';
COMMENT ON COLUMN messages.made_at IS 'When the message was made.';
COMMENT ON COLUMN messages.notices IS 'How many notices it has.';
COMMENT ON COLUMN messages.content IS 'The message.';
COMMENT ON COLUMN messages.due_at IS 'When it is to be sent, or tried again.';
COMMENT ON COLUMN messages.attempts IS 'How often sending it was begun.';
COMMENT ON COLUMN messages.failing_since IS 'When sending it failed first; NULL: it never did.';
COMMENT ON COLUMN messages.reason IS 'Why sending it failed last.';
COMMENT ON COLUMN messages.sent_at IS 'When the target accepted it; NULL: it has not yet.';

-- As 0044 has it for the lists.
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT DISTINCT new.name,
            CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee,
            CASE WHEN a.privilege_type = 'INSERT' THEN 'SELECT, INSERT, UPDATE, DELETE' ELSE 'SELECT' END AS rights
        FROM (VALUES ('deal_changes'), ('rules'), ('rule_products'), ('notices'), ('messages')) AS new (name)
        JOIN pg_class AS n ON n.oid = new.name::regclass
        JOIN pg_class AS c ON c.oid = 'fetch_queue'::regclass
        CROSS JOIN aclexplode(c.relacl) AS a
        WHERE a.privilege_type IN ('SELECT', 'INSERT') AND a.grantee NOT IN (c.relowner, n.relowner)
            AND pg_has_role(n.relowner, 'USAGE')
    LOOP
        EXECUTE format('GRANT %s ON %I TO %s', found.rights, found.name, found.grantee);
    END LOOP;
END $$;
