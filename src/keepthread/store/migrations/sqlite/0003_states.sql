-- Session state: small JSON values beside a conversation.
-- reader: 1
-- writer: 3

-- `scope` is the id of the thread that the values stand beside, which need not exist. `version` is another random number after
-- every save. Not WITHOUT ROWID: a value may be much longer than a page.
CREATE TABLE kt_states (
    tenant_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    version INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, scope, name)
);
