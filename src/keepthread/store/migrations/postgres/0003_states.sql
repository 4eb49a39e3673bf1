-- Session state: small JSON values beside a conversation.
-- reader: 1
-- writer: 3

-- `scope` is the id of the thread that the values stand beside, which need not exist. `version` is another random number after
-- every save.
CREATE TABLE kt_states (
    tenant_id TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    value TEXT NOT NULL,
    version BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, scope, name)
);
