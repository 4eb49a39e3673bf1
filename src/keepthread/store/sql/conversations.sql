-- name: conversation
-- Whose conversation a thread is.
SELECT agent, principal, session, agent_version, store_name
FROM kt_conversations
WHERE tenant_id = :tenant AND thread_id = :thread;

-- name: insert_conversation
INSERT INTO kt_conversations (tenant_id, thread_id, store_name, agent, agent_version, principal, session)
VALUES (:tenant, :thread, :store_name, :agent, :version, :principal, :session);

-- name: delete_conversation
DELETE FROM kt_conversations
WHERE tenant_id = :tenant AND thread_id = :thread;

-- name: move_conversation
-- A conversation goes to another namespace, and so its thread gets another id; the statements below take the rest along.
UPDATE kt_conversations
SET thread_id = :moved, store_name = :store_name
WHERE tenant_id = :tenant AND thread_id = :thread;

-- name: move_thread
-- The first of them: an append that waits for this row finds no thread afterwards.
UPDATE kt_threads SET id = :moved WHERE tenant_id = :tenant AND id = :thread;

-- name: move_messages
UPDATE kt_messages SET thread_id = :moved WHERE tenant_id = :tenant AND thread_id = :thread;

-- name: move_revisions
UPDATE kt_revisions SET thread_id = :moved WHERE tenant_id = :tenant AND thread_id = :thread;

-- name: move_files
UPDATE kt_files SET thread_id = :moved WHERE tenant_id = :tenant AND thread_id = :thread;

-- name: move_turns
UPDATE kt_turns SET thread_id = :moved WHERE tenant_id = :tenant AND thread_id = :thread;

-- name: move_frames
UPDATE kt_frames SET thread_id = :moved WHERE tenant_id = :tenant AND thread_id = :thread;

-- name: move_summaries
UPDATE kt_summaries SET thread_id = :moved WHERE tenant_id = :tenant AND thread_id = :thread;

-- name: move_states
UPDATE kt_states SET scope = :moved WHERE tenant_id = :tenant AND scope = :thread;

-- name: move_tag
-- Tag by tag: the index of tags begins with the tag.
UPDATE kt_thread_tags SET thread_id = :moved WHERE tenant_id = :tenant AND tag = :tag AND thread_id = :thread;
