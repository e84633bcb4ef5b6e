-- Discards of messages that cannot be read name the id of their topic from now on. Those made before hold for the topics that
-- are known; the release before goes on reading them as they were.
INSERT INTO "discards" ("product_id", "version", "event_id", "detail", "discarded_at")
SELECT d."product_id", d."version", d."event_id" || ' of topic ' || o."topic_id", d."detail", d."discarded_at"
FROM "discards" d CROSS JOIN (SELECT DISTINCT "topic_id" FROM "consumer_offsets") o
WHERE d."version" = 0
ON CONFLICT DO NOTHING;
