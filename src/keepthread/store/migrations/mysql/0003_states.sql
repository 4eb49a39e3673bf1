-- Session state: small JSON values beside a conversation.
-- reader: 1
-- writer: 3

-- `scope` is the id of the thread that the values stand beside, which need not exist. `version` is another random number after
-- every save.
CREATE TABLE IF NOT EXISTS kt_states (
    tenant_id VARBINARY(255) NOT NULL,
    scope VARBINARY(255) NOT NULL,
    name VARBINARY(255) NOT NULL,
    value LONGTEXT NOT NULL,
    version BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, scope, name)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
